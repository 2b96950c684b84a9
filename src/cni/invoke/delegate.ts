// Another IPAM plugin, such as host-local, run as CNI wants it: found on CNI_PATH, same input, same variables.
import { accessSync, constants, lstatSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { OcicatError } from '../../base/errors.ts';
import { printJson, tryParseJson } from '../../base/json.ts';
import { findHostRoot } from '../../sys/host-root.ts';
import { isFields } from '../spec/config-reader.ts';
import type { Command } from '../spec/environment.ts';
import type { CniCall, CniRequest } from '../spec/request.ts';
import { type CniResult, tryParseResult } from '../spec/result.ts';

const PATH = '/usr/sbin:/usr/bin:/sbin:/bin';
/** What a plugin may take; it works on files of this host. */
const TIMEOUT_MS = 60_000;

/** A link below another root leads to somewhere in that, which it is followed to when it is run there. */
function isProgram(root: string, path: string): boolean {
  try {
    if (root !== '' && lstatSync(`${root}${path}`).isSymbolicLink()) return true;
    accessSync(`${root}${path}`, constants.X_OK);
    return statSync(`${root}${path}`).isFile();
  } catch {
    return false;
  }
}

/**
 * The words that run the plugin where the runtime has it, which is the host. Throws `invalid`, since the configuration asks for
 * what is not installed, naming the folders that were searched.
 */
function findPlugin(type: string, folders: readonly string[]): readonly string[] {
  const root = findHostRoot();
  const path = folders.map((folder) => join(folder, type)).find((one) => isProgram(root, one));
  if (path !== undefined) return root === '' ? [path] : [Bun.which('chroot', { PATH }) ?? 'chroot', root, path];
  throw new OcicatError('invalid', `find IPAM plugin "${type}": in none of ${folders.join(', ')}`);
}

/** The plugin's own words when it failed. */
function explain(type: string, command: Command, status: number, output: string, errors: string): OcicatError {
  const said = tryParseJson(output);
  const words = isFields(said) && typeof said.msg === 'string' ? said.msg : errors.trim();
  return new OcicatError('unavailable', `run IPAM plugin "${type}" ${command}: exit status ${status}: ${words}`);
}

/** What the specification names (CNI spec 1.1.0, "Parameters"), as the runtime gave it, and PATH. */
const VARIABLES: readonly string[] = ['CNI_CONTAINERID', 'CNI_NETNS', 'CNI_IFNAME', 'CNI_ARGS', 'CNI_PATH'];

function environmentOf({ variables }: CniCall, command: Command): Readonly<Record<string, string | undefined>> {
  const named = VARIABLES.map((name) => [name, variables[name]] as const);
  return { PATH, ...Object.fromEntries(named), CNI_COMMAND: command };
}

/** Returns the plugin's standard output. Throws `invalid`, `unavailable`, `timeout`. */
async function runPlugin(request: CniRequest, call: CniCall, command: Command, signal: AbortSignal): Promise<string> {
  const { type } = request.config.ipam;
  const child = Bun.spawn([...findPlugin(type, request.environment.path)], {
    env: environmentOf(call, command),
    stdin: new TextEncoder().encode(call.input),
    stdout: 'pipe',
    stderr: 'pipe',
    signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
    killSignal: 'SIGKILL',
  });
  const [output, errors, status] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  if (child.signalCode !== null)
    throw new OcicatError('timeout', `run IPAM plugin "${type}" ${command}: it did not end in time`);
  if (status !== 0) throw explain(type, command, status, output, errors);
  return output;
}

export interface Supplied {
  readonly result: CniResult;
  /** The result as the plugin printed it. */
  readonly answer: string;
}

/** Addresses from the plugin. Throws as above, and `invalid` for a result without addresses. */
export async function delegateAdd(request: CniRequest, call: CniCall, signal: AbortSignal): Promise<Supplied> {
  const answer = await runPlugin(request, call, 'ADD', signal);
  const result = tryParseResult(tryParseJson(answer));
  if (result !== undefined && result.addresses.length > 0) return { result, answer };
  await runPlugin(request, call, 'DEL', signal);
  throw new OcicatError('invalid', 'IPAM plugin returned no IP addresses in result');
}

/** The call with the plugin's own answer as the result to compare with: the runtime has ours, with other ranges and gateways. */
export function withAnswer(call: CniCall, answer: string | undefined): CniCall {
  const [config, prevResult] = [tryParseJson(call.input), tryParseJson(answer ?? '')];
  if (prevResult === undefined || !isFields(config)) return call;
  return { ...call, input: printJson({ ...config, prevResult }) };
}

/** Tells the plugin to give the addresses back, or to check that it holds them, or to sweep. */
export async function delegate(
  request: CniRequest,
  call: CniCall,
  command: 'DEL' | 'CHECK' | 'GC' | 'STATUS',
  signal: AbortSignal,
): Promise<void> {
  await runPlugin(request, call, command, signal);
}
