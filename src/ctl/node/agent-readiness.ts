// Whether the agent takes the calls of network plugins, asked as a runtime would: by the plugin, with CNI's STATUS.
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { tryParseJson } from '../../base/json.ts';
import { membersOf } from '../../schema/document.ts';

export type Readiness =
  | { readonly kind: 'ready' }
  /** With the agent's own message, or those of the plugin when no agent answers. */
  | { readonly kind: 'not-ready'; readonly message: string }
  | { readonly kind: 'no-plugin'; readonly paths: readonly string[] };

/** A network with addresses of one family. */
function printInput(assigned: 'assign_ipv4' | 'assign_ipv6'): string {
  const ipam = { type: 'calico-ipam', assign_ipv4: 'false', [assigned]: 'true' };
  return JSON.stringify({ cniVersion: '1.1.0', name: 'status', type: 'calico', ipam });
}

function messageOf(output: string): string {
  const answer = membersOf(tryParseJson(output));
  if (answer === undefined) return output.trim();
  return [answer.msg, answer.details].filter((part) => typeof part === 'string' && part !== '').join(': ');
}

async function ask(plugin: string, assigned: 'assign_ipv4' | 'assign_ipv6'): Promise<Readiness> {
  const child = Bun.spawn([plugin], {
    env: { CNI_COMMAND: 'STATUS', CNI_PATH: dirname(plugin) },
    stdin: new Blob([printInput(assigned)]),
    stdout: 'pipe',
    stderr: 'ignore',
  });
  const output = await new Response(child.stdout).text();
  return (await child.exited) === 0 ? { kind: 'ready' } : { kind: 'not-ready', message: messageOf(output) };
}

/**
 * For networks of IPv4, or of IPv6 where there are no others. Takes twice as long as the agent waits for its datastore, 10 s,
 * at most.
 */
export async function askReadiness(): Promise<Readiness> {
  const paths = [join(dirname(process.execPath), '../cni/calico'), '/opt/cni/bin/calico'];
  const plugin = paths.find(existsSync);
  if (plugin === undefined) return { kind: 'no-plugin', paths };
  const readiness = await ask(plugin, 'assign_ipv4');
  return readiness.kind === 'ready' || (await ask(plugin, 'assign_ipv6')).kind !== 'ready'
    ? readiness
    : { kind: 'ready' };
}
