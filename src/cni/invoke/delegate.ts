// Another IPAM plugin, such as host-local, run as CNI wants it: found on CNI_PATH, same input, same variables (CNI spec 1.1.0,
// "Section 4: Plugin Delegation").
import { OcicatError } from '../../base/errors.ts';
import { isJsonObject, printJson, tryParseJson } from '../../base/json.ts';
import { findHostRoot } from '../../sys/host-root.ts';
import { SYSTEM_PATH } from '../../sys/programs.ts';
import type { Command } from '../spec/environment.ts';
import { tryParseCniError } from '../spec/error.ts';
import { tryParseResult } from '../spec/parse-result.ts';
import type { CniCall, ParsedCall } from '../spec/request.ts';
import type { CniResult } from '../spec/result.ts';
import { type PluginOutcome, runPlugin, tryFindPlugin } from './run-plugin.ts';

/** What a plugin may take; it works on files of this host. */
const TIMEOUT_MS = 60_000;

/**
 * What runs the plugin where the runtime has it, which is the host. Throws `invalid`, since the configuration asks for
 * what is not installed, naming the folders that were searched.
 */
function commandOf(type: string, folders: readonly string[]): readonly string[] {
  const root = findHostRoot();
  const path = tryFindPlugin(type, folders, root);
  if (path !== undefined)
    return root === '' ? [path] : [Bun.which('chroot', { PATH: SYSTEM_PATH }) ?? 'chroot', root, path];
  throw new OcicatError('invalid', `find IPAM plugin "${type}": in none of ${folders.join(', ')}`);
}

/** The plugin's own message when it failed. */
function explain(action: string, { status, output, errors }: PluginOutcome): OcicatError {
  const message = tryParseCniError(output)?.msg ?? errors.trim();
  return new OcicatError('unavailable', `${action}: exit status ${status}: ${message}`);
}

/** Returns the plugin's standard output. Throws `invalid`, `unavailable`, `timeout`. */
async function runIpamPlugin({ call, request }: ParsedCall, name: Command, signal: AbortSignal): Promise<string> {
  const { type } = request.config.ipam;
  const action = `run IPAM plugin "${type}" ${name}`;
  const outcome = await runPlugin({
    command: commandOf(type, request.environment.path),
    call: { ...call, variables: { ...call.variables, CNI_COMMAND: name } },
    stderr: 'pipe',
    signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
  });
  if (outcome.killedBy !== undefined) throw new OcicatError('timeout', `${action}: it did not end in time`);
  if (outcome.status !== 0) throw explain(action, outcome);
  return outcome.output;
}

export interface Delegated {
  readonly result: CniResult;
  /** The result as the plugin printed it. */
  readonly answer: string;
}

/** Addresses from the plugin. Throws as above, and `invalid` for a result without addresses. */
export async function delegateAdd(parsed: ParsedCall, signal: AbortSignal): Promise<Delegated> {
  const answer = await runIpamPlugin(parsed, 'ADD', signal);
  const result = tryParseResult(tryParseJson(answer));
  if (result !== undefined && result.addresses.length > 0) return { result, answer };
  throw new OcicatError('invalid', 'IPAM plugin returned no IP addresses in result');
}

/** The call with the plugin's own answer as the result to compare with: the runtime has ours, with other ranges and gateways. */
export function withAnswer(call: CniCall, answer: string | undefined): CniCall {
  const [config, prevResult] = [tryParseJson(call.input), tryParseJson(answer ?? '')];
  if (prevResult === undefined || !isJsonObject(config)) return call;
  return { ...call, input: printJson({ ...config, prevResult }) };
}

/** Tells the plugin to give the addresses back, or to check that it holds them, or to sweep. */
export async function delegate(
  parsed: ParsedCall,
  command: 'DEL' | 'CHECK' | 'GC' | 'STATUS',
  signal: AbortSignal,
): Promise<void> {
  await runIpamPlugin(parsed, command, signal);
}
