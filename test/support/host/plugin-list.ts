// A list of plugins run for a container as a runtime runs it (CNI spec 1.1.0, section 3): the request of each derived from the list,
// forwards for ADD, CHECK, GC and STATUS, backwards for DEL.
import type { CniHost, PluginRun } from './cni-host.ts';

export interface PluginList {
  readonly cniVersion: string;
  readonly name: string;
  readonly plugins: readonly { readonly type: string; readonly [key: string]: unknown }[];
}

export interface ListCall {
  readonly command: 'ADD' | 'DEL' | 'CHECK' | 'GC' | 'STATUS';
  /** What the runtime would give to plugins that have the capability. */
  readonly capabilityArgs?: Readonly<Record<string, unknown>>;
  /** The result of ADD, for DEL and CHECK. */
  readonly previous?: unknown;
  readonly variables?: Readonly<Record<string, string | undefined>>;
}

type Plugin = PluginList['plugins'][number];

function runtimeConfigOf({ capabilities }: Plugin, { capabilityArgs = {} }: ListCall): object {
  const able: object = typeof capabilities === 'object' && capabilities !== null ? capabilities : {};
  const asked = Object.entries(capabilityArgs).filter(([name]) => Object.hasOwn(able, name));
  return asked.length === 0 ? {} : { runtimeConfig: Object.fromEntries(asked) };
}

/** Returns what the last plugin has printed, or the first that failed, with its name. */
export async function runList(host: CniHost, list: PluginList, call: ListCall): Promise<PluginRun & { type: string }> {
  const { cniVersion, name, plugins } = list;
  const { command, variables } = call;
  let last = { status: 0, output: '', errors: '', type: '' };
  let previous = call.previous;
  for (const plugin of command === 'DEL' ? plugins.toReversed() : plugins) {
    const { capabilities: _, ...own } = plugin;
    const prevResult = previous === undefined ? {} : { prevResult: previous };
    const request = { ...own, cniVersion, name, ...runtimeConfigOf(plugin, call), ...prevResult };
    const run = await host.runPlugin(plugin.type, { CNI_COMMAND: command, ...variables }, JSON.stringify(request));
    last = { ...run, status: run.status ?? -1, type: plugin.type };
    if (last.status !== 0) return last;
    if (command === 'ADD') previous = JSON.parse(run.output);
  }
  return last;
}
