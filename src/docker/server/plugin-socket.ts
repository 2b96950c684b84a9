// One of Docker's plugins on its socket: HTTP with JSON both ways (moby, docs/extend/plugin_api.md). Only root may connect.
import { chmodSync, mkdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { describeError, OcicatError } from '../../base/errors.ts';
import type { Log } from '../../sys/log.ts';
import { printActivation, printFailure } from '../api/network-answers.ts';
import type { Calls } from './network-driver.ts';

/** Docker's requests are some kilobytes: the ports that a container publishes are the most of them. */
const MAX_REQUEST_BYTES = 4 << 20;
const CONTENT_TYPE = 'application/vnd.docker.plugins.v1.1+json';
/** A call takes milliseconds; one that waits for something is aborted after this. */
const FINISH_MS = 3_000;

export interface Plugin {
  readonly driver: 'NetworkDriver' | 'IpamDriver';
  readonly calls: Calls;
}

export interface PluginSocket {
  /** Takes no more calls, lets running ones finish or tells them to stop, and waits until they are answered. */
  close(): Promise<void>;
}

/** `/NetworkDriver.Join` → `Join`; undefined for what the plugin does not have. */
function callName({ driver, calls }: Plugin, path: string): string | undefined {
  const name = path.startsWith(`/${driver}.`) ? path.slice(driver.length + 2) : '';
  return Object.hasOwn(calls, name) ? name : undefined;
}

function answer(body: string, status = 200): Response {
  return new Response(body, { status, headers: { 'Content-Type': CONTENT_TYPE } });
}

/** Never throws. A call that is not known is 404: Docker goes on without it. */
async function serve(plugin: Plugin, request: Request, log: Log, signal: AbortSignal): Promise<Response> {
  const { pathname: path } = new URL(request.url, 'http://plugin'); // Docker's Host is the socket's path, which is no host
  if (path === '/Plugin.Activate') return answer(printActivation(plugin.driver));
  const name = callName(plugin, path);
  if (name === undefined) return answer(printFailure(`serve "${path}": this plugin has no such call`), 404);
  try {
    const json = (await request.text()) || '{}';
    return answer((await plugin.calls[name]?.(json, signal)) ?? '{}');
  } catch (error) {
    log.warn(`Docker's ${plugin.driver}.${name} failed`, error);
    return answer(printFailure(describeError(error)));
  }
}

/**
 * Listens beside the path and moves the socket into place: there is no moment at which others than root could connect, and one
 * that a killed agent left is replaced. Throws `unavailable`.
 */
export function openPluginSocket(path: string, plugin: Plugin, log: Log): PluginSocket {
  const stopping = new AbortController();
  const unfinished = `${path}.new`;
  mkdirSync(dirname(path), { recursive: true });
  rmSync(unfinished, { force: true });
  const server = Bun.serve({
    unix: unfinished,
    development: false,
    maxRequestBodySize: MAX_REQUEST_BYTES,
    fetch: (request) => serve(plugin, request, log, stopping.signal),
  });
  chmodSync(unfinished, 0o600);
  renameSync(unfinished, path);
  const { ino } = statSync(path);
  return {
    async close() {
      // the next agent may have put its own socket there
      if (statSync(path, { throwIfNoEntry: false })?.ino === ino) rmSync(path, { force: true });
      const timer = setTimeout(() => stopping.abort(new OcicatError('aborted', 'the agent is stopping')), FINISH_MS);
      await server.stop();
      clearTimeout(timer);
    },
  };
}
