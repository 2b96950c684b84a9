// Running programs inside a lab or one of its hosts, by way of nsenter(1).
import { OcicatError } from '../base/errors.ts';
import { execve } from '../sys/libc.ts';
import type { ProcessIdentity } from '../sys/processes.ts';
import type { LabState } from './state.ts';

const SEARCH_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Nothing of the caller's environment reaches a host but the terminal's settings. */
function hostEnvironment(): Record<string, string> {
  const kept = ['TERM', 'LANG', 'LC_ALL', 'NO_COLOR', 'COLUMNS', 'LINES'];
  const own = kept.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]] as const]));
  return {
    PATH: SEARCH_PATH,
    HOME: '/root',
    USER: 'root',
    LOGNAME: 'root',
    SHELL: '/bin/sh',
    ...Object.fromEntries(own),
  };
}

/** nsenter's arguments for all namespaces of a process. */
function enterArguments(target: ProcessIdentity, command: readonly string[]): readonly string[] {
  const namespaces = ['--mount', '--uts', '--ipc', '--net', '--pid', '--cgroup'];
  return ['nsenter', `--target=${target.pid}`, ...namespaces, '--', ...command];
}

export function hostProcess(state: LabState, node: string): ProcessIdentity {
  const host = state.hosts[node];
  if (host !== undefined) return host;
  const known = Object.keys(state.hosts).join(', ');
  throw new OcicatError('not-found', `host "${node}": not in lab "${state.plan.name}", which has ${known}`);
}

/** Replaces this process by the command inside the namespaces, so that stdio, signals and exit status are the command's own. */
export function execInside(target: ProcessIdentity, command: readonly string[]): never {
  const environment = Object.entries(hostEnvironment()).map(([name, value]) => `${name}=${value}`);
  return execve('/usr/bin/nsenter', enterArguments(target, command), environment);
}

export interface RunResult {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command inside to its end; `input` goes to its stdin. */
export async function runInside(
  target: ProcessIdentity,
  command: readonly string[],
  options: { readonly input?: string; readonly signal?: AbortSignal } = {},
): Promise<RunResult> {
  const child = Bun.spawn([...enterArguments(target, command)], {
    env: hostEnvironment(),
    cwd: '/',
    stdin: options.input === undefined ? 'ignore' : new Blob([options.input]),
    stdout: 'pipe',
    stderr: 'pipe',
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  });
  const [stdout, stderr, status] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { status, stdout, stderr };
}

/** As runInside; throws `internal` with the last line of its output when it fails. Returns stdout. */
export async function mustRunInside(
  target: ProcessIdentity,
  command: readonly string[],
  input?: string,
): Promise<string> {
  const result = await runInside(target, command, input === undefined ? {} : { input });
  if (result.status === 0) return result.stdout;
  const lastLine = (result.stderr.trim() || result.stdout.trim()).split('\n').at(-1) ?? '';
  throw new OcicatError('internal', `run "${command.join(' ')}": exit status ${result.status}: ${lastLine}`);
}

/** Starts a long-running program inside, detached, with its output in a file of the target's file system. */
export async function startInside(target: ProcessIdentity, command: readonly string[], logFile: string): Promise<void> {
  const script = 'log=$1; shift; exec setsid --fork "$@" >>"$log" 2>&1 </dev/null';
  await mustRunInside(target, ['/bin/sh', '-c', script, 'sh', logFile, ...command]);
}
