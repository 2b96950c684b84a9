// The one place where CNI plugins are run: found in folders, started with the variables of the specification and the
// configuration, and waited for.
import { accessSync, constants, lstatSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { SYSTEM_PATH } from '../../sys/programs.ts';
import type { CniCall } from '../spec/request.ts';

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

/** The first program of that name, as it is called below `root`; undefined when none of the folders has one. */
export function tryFindPlugin(type: string, folders: readonly string[], root = ''): string | undefined {
  return folders.map((folder) => join(folder, type)).find((path) => isProgram(root, path));
}

/**
 * What the specification names (CNI spec 1.1.0, "Parameters"; CNI_VERSION until 0.2.0). The caller's own environment may hold
 * what a plugin has no business with, or change what it does.
 */
const VARIABLES = [
  'CNI_COMMAND',
  'CNI_CONTAINERID',
  'CNI_NETNS',
  'CNI_IFNAME',
  'CNI_ARGS',
  'CNI_PATH',
  'CNI_VERSION',
] as const;

function environmentOf({ variables }: CniCall): Readonly<Record<string, string | undefined>> {
  return { PATH: SYSTEM_PATH, ...Object.fromEntries(VARIABLES.map((name) => [name, variables[name]])) };
}

export interface PluginRun {
  /** The program, with what runs it where it is. */
  readonly command: readonly string[];
  readonly call: CniCall;
  /** What the plugin says besides its answer: to our own standard error, or into the outcome. */
  readonly stderr: 'inherit' | 'pipe';
  readonly signal: AbortSignal;
}

export interface PluginOutcome {
  readonly status: number;
  /** The signal that ended it. */
  readonly killedBy: NodeJS.Signals | number | undefined;
  readonly output: string;
  readonly errors: string;
}

/** Runs the plugin to its end, or kills it when `signal` says so. */
export async function runPlugin({ command, call, stderr, signal }: PluginRun): Promise<PluginOutcome> {
  const child = Bun.spawn([...command], {
    env: environmentOf(call),
    cwd: '/',
    // In a session of its own: what stops the caller must not stop a plugin half-way.
    detached: true,
    stdin: new TextEncoder().encode(call.input),
    stdout: 'pipe',
    stderr,
    signal,
    killSignal: 'SIGKILL',
  });
  const [output, errors, status] = await Promise.all([
    new Response(child.stdout).text(),
    child.stderr instanceof ReadableStream ? new Response(child.stderr).text() : '',
    child.exited,
  ]);
  return { status, killedBy: child.signalCode ?? undefined, output, errors };
}
