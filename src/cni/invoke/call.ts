// One call of a CNI plugin: environment and configuration in, result or error out.
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { OcicatError } from '../../base/errors.ts';
import { integer, list, object, optional, parseDocument, type Reader, text } from '../../schema/fields.ts';
import { SYSTEM_PATH } from '../../sys/system-programs.ts';

export interface CniCall {
  readonly command: 'ADD' | 'DEL';
  readonly pluginPath: string;
  readonly pluginDirs: readonly string[];
  /** The pod's UUID. */
  readonly containerId: string;
  /** Path of the network namespace; empty when it is gone. */
  readonly netns: string;
  readonly ifName: string;
  readonly args: string;
  readonly stdin: string;
}

export interface CniDns {
  readonly nameservers: readonly string[];
  readonly domain: string | undefined;
  readonly search: readonly string[];
  readonly options: readonly string[];
}

/** What rkt uses of a result. */
export interface CniResult {
  /** First IPv4 address with its prefix length, e.g. `172.16.28.2/24`. */
  readonly ip4: string | undefined;
  /** The one that came with it. */
  readonly gateway: string | undefined;
  readonly dns: CniDns | undefined;
  /** As the plugin printed it; the next plugin's prevResult. */
  readonly json: string;
}

/** Where plugins are looked for, first match first; `netDir` is rkt's own place for private ones. */
export function pluginDirectories(netDir: string): readonly string[] {
  return [netDir, '/usr/lib/rkt/plugins/net', '/opt/cni/bin', '/usr/lib/cni'];
}

/** Throws `not-found` with the places where it was looked for. */
export function findPlugin(type: string, dirs: readonly string[]): string {
  const found = dirs.map((dir) => join(dir, type)).find((path) => statSync(path, { throwIfNoEntry: false })?.isFile());
  if (found === undefined)
    throw new OcicatError('not-found', `Could not find plugin "${type}": install it in one of ${dirs.join(', ')}`);
  return found;
}

const words = optional(list(text()));
const address = text({ wanted: 'an address with a prefix length', accepts: (ip) => /^[0-9A-Fa-f.:]+\/\d+$/.test(ip) });
const readDns = object({ nameservers: words, domain: optional(text()), search: words, options: words }, 'open');
const readResult = object(
  {
    ip4: optional(object({ ip: address, gateway: optional(text()) }, 'open')),
    ips: optional(list(object({ address, gateway: optional(text()) }, 'open'))),
    dns: optional(readDns),
  },
  'open',
);

function dnsOf(dns: ReturnType<typeof readDns> | undefined): CniDns | undefined {
  if (dns === undefined) return undefined;
  const { nameservers = [], domain, search = [], options = [] } = dns;
  const isEmpty = nameservers.length + search.length + options.length === 0 && !domain;
  return isEmpty ? undefined : { nameservers, domain, search, options };
}

/** Both result shapes: `ip4` of CNI 0.1 and 0.2, `ips` from 0.3 on. Throws `invalid`. An empty text is an empty result. */
export function parseCniResult(plugin: string, json: string): CniResult {
  if (json.trim() === '') return { ip4: undefined, gateway: undefined, dns: undefined, json: '{}' };
  const result = parseDocument(`result of plugin "${plugin}"`, json, readResult);
  const first = result.ips?.find((ip) => !ip.address.includes(':'));
  const { ip4 = first === undefined ? undefined : { ip: first.address, gateway: first.gateway } } = result;
  return { ip4: ip4?.ip, gateway: ip4?.gateway, dns: dnsOf(result.dns), json };
}

const readError: Reader<{ readonly code: number; readonly msg: string; readonly details: string | undefined }> = object(
  {
    code: integer(0, 2 ** 32),
    msg: text({ wanted: 'words', accepts: (msg) => msg !== '' }),
    details: optional(text()),
  },
  'open',
);

/**
 * Codes by which a plugin refuses the call itself, before it has done anything: version, fields, environment, decoding,
 * configuration (CNI spec 1.1.0, "Error").
 */
const REFUSALS: ReadonlySet<number> = new Set([1, 2, 4, 6, 7]);

/**
 * The error of a plugin that failed: `invalid` when it refused the call itself, else `unavailable`; `MSG; DETAILS`, or
 * what it printed instead of an error.
 */
export function parseCniError(stdout: string): OcicatError {
  try {
    const { code, msg, details } = parseDocument('error', stdout, readError);
    return new OcicatError(REFUSALS.has(code) ? 'invalid' : 'unavailable', details ? `${msg}; ${details}` : msg);
  } catch {
    const printed = stdout.trim().slice(0, 500);
    return new OcicatError('unavailable', `netplugin failed but error parsing its diagnostic message "${printed}"`);
  }
}

/** A plugin that has not answered by then never will. */
const CALL_TIMEOUT_MS = 120_000;

/**
 * What the specification names (CNI spec 0.1.0, "Parameters") and the system's PATH. The caller's own environment may hold
 * what a plugin has no business with, or change what it does.
 */
function cniEnvironment(call: CniCall): Readonly<Record<string, string>> {
  return {
    PATH: SYSTEM_PATH,
    CNI_VERSION: '0.1.0',
    CNI_COMMAND: call.command,
    CNI_CONTAINERID: call.containerId,
    CNI_NETNS: call.netns,
    CNI_ARGS: call.args,
    CNI_IFNAME: call.ifName,
    CNI_PATH: call.pluginDirs.join(':'),
  };
}

/**
 * Runs the plugin and returns what it printed. Its own words go to standard error. Throws `invalid` if it refuses the
 * call, `unavailable` if it fails, `timeout` if it does not end.
 */
export async function callPlugin(call: CniCall): Promise<string> {
  const child = Bun.spawn([call.pluginPath], {
    env: cniEnvironment(call),
    cwd: '/',
    // In a session of its own: what stops the pod must not stop a plugin half-way.
    detached: true,
    stdin: Buffer.from(call.stdin),
    stdout: 'pipe',
    stderr: 'inherit',
    timeout: CALL_TIMEOUT_MS,
    killSignal: 'SIGKILL',
  });
  const [stdout, status] = await Promise.all([new Response(child.stdout).text(), child.exited]);
  if (status === 0) return stdout;
  if (child.signalCode !== null)
    throw new OcicatError('timeout', `plugin "${call.pluginPath}": ended by ${child.signalCode}`);
  throw parseCniError(stdout);
}
