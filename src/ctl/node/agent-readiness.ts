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

const INPUT = '{"cniVersion":"1.1.0","name":"status","type":"calico","ipam":{"type":"calico-ipam"}}';

function messageOf(output: string): string {
  const answer = membersOf(tryParseJson(output));
  if (answer === undefined) return output.trim();
  return [answer.msg, answer.details].filter((part) => typeof part === 'string' && part !== '').join(': ');
}

/** Takes as long as the agent waits for its datastore, 10 s at most. */
export async function askReadiness(): Promise<Readiness> {
  const paths = [join(dirname(process.execPath), '../cni/calico'), '/opt/cni/bin/calico'];
  const plugin = paths.find(existsSync);
  if (plugin === undefined) return { kind: 'no-plugin', paths };
  const child = Bun.spawn([plugin], {
    env: { CNI_COMMAND: 'STATUS', CNI_PATH: dirname(plugin) },
    stdin: new Blob([INPUT]),
    stdout: 'pipe',
    stderr: 'ignore',
  });
  const output = await new Response(child.stdout).text();
  return (await child.exited) === 0 ? { kind: 'ready' } : { kind: 'not-ready', message: messageOf(output) };
}
