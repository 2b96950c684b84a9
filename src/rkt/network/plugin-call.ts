// One call of a network's plugin for a pod.
import { statSync } from 'node:fs';
import { OcicatError } from '../../base/errors.ts';
import { parseJson, printJson } from '../../base/json.ts';
import { runPlugin, tryFindPlugin } from '../../cni/invoke/run-plugin.ts';
import { isRefusal, tryParseCniError } from '../../cni/spec/error.ts';
import { parseNames } from '../../names/name.ts';
import type { NetworkConf, PluginConf, SelectedNetwork } from './net-conf.ts';
import { netnsPath } from './pod-netns.ts';

/** A pod as plugins see it. */
export interface PodOfPlugins {
  readonly uuid: string;
  readonly pluginDirs: readonly string[];
  /** By which others find it where a network has names; undefined of a pod that is only to leave its networks. */
  readonly hostname?: string | undefined;
}

/** Whose networks have names. */
const NAMING_PLUGIN = 'calico';

/** Other plugins refuse what they do not know. What somebody has asked for stays as it is. */
export function computeArgs(plugin: string, args: string, hostname: string | undefined): string {
  const names = plugin === NAMING_PLUGIN && hostname !== undefined ? parseNames([hostname]) : [];
  if (names.length === 0 || /(^|;)NAMES=/.test(args)) return args;
  return [...(args === '' ? [] : [args]), `NAMES=${names.join(',')}`].join(';');
}

/** Where plugins are looked for, first match first; `netDir` is rkt's own place for private ones. */
export function pluginDirectories(netDir: string): readonly string[] {
  return [netDir, '/usr/lib/rkt/plugins/net', '/opt/cni/bin', '/usr/lib/cni'];
}

/** Throws `not-found` with the places where it was looked for. */
export function findPlugin(type: string, dirs: readonly string[]): string {
  const path = tryFindPlugin(type, dirs);
  if (path !== undefined) return path;
  throw new OcicatError('not-found', `Could not find plugin "${type}": install it in one of ${dirs.join(', ')}`);
}

/**
 * The error of a plugin that failed: `invalid` when it refused the call itself, else `unavailable`; `MSG; DETAILS`, or
 * what it printed instead of an error.
 */
export function parsePluginError(stdout: string): OcicatError {
  const error = tryParseCniError(stdout);
  if (error !== undefined)
    return new OcicatError(
      isRefusal(error) ? 'invalid' : 'unavailable',
      error.details === undefined ? error.msg : `${error.msg}; ${error.details}`,
    );
  const printed = stdout.trim().slice(0, 500);
  return new OcicatError('unavailable', `netplugin failed but error parsing its diagnostic message "${printed}"`);
}

/** A plugin that has not answered by then never will. */
const TIMEOUT_MS = 120_000;

function inputOf(conf: NetworkConf, plugin: PluginConf, previous: string | undefined): string {
  if (!conf.file.endsWith('.conflist')) return conf.json;
  const { name, cniVersion } = conf;
  const prevResult: unknown = previous === undefined ? undefined : parseJson(previous);
  return printJson({ ...plugin.fields, name, cniVersion, prevResult });
}

/** The variables say the first version of the specification, as rkt's own do (CNI spec 0.1.0, "Parameters"). */
function variablesOf(
  command: 'ADD' | 'DEL',
  plugin: string,
  { uuid, pluginDirs, hostname }: PodOfPlugins,
  { args, ifName }: SelectedNetwork,
) {
  const netns = netnsPath(uuid);
  return {
    CNI_VERSION: '0.1.0',
    CNI_COMMAND: command,
    CNI_CONTAINERID: uuid,
    CNI_NETNS: command === 'ADD' || statSync(netns, { throwIfNoEntry: false }) !== undefined ? netns : '',
    CNI_ARGS: computeArgs(plugin, args, hostname),
    CNI_IFNAME: ifName,
    CNI_PATH: pluginDirs.join(':'),
  };
}

/**
 * Runs the plugin and returns what it printed. What it says besides goes to standard error. Throws `invalid` if it refuses the
 * call, `unavailable` if it fails, `timeout` if it does not end.
 */
export async function callPlugin(
  command: 'ADD' | 'DEL',
  pod: PodOfPlugins,
  network: SelectedNetwork,
  plugin: PluginConf,
  previous: string | undefined,
): Promise<string> {
  const path = findPlugin(plugin.type, pod.pluginDirs);
  const input = inputOf(network.conf, plugin, previous);
  const call = { program: plugin.type, variables: variablesOf(command, plugin.type, pod, network), input };
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  const { status, killedBy, output } = await runPlugin({ command: [path], call, stderr: 'inherit', signal });
  if (killedBy !== undefined) throw new OcicatError('timeout', `plugin "${path}": ended by ${killedBy}`);
  if (status !== 0) throw parsePluginError(output);
  return output;
}
