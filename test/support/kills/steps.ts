// Steps at which a process dies: strace(1) kills it as one of its threads enters the n-th of its system calls of one name. What
// changes anything outside of the process is such a call, so that each state that a death can leave comes before one of them.
import { readFileSync, rmSync } from 'node:fs';

/** What others can see the effect of. */
const CALLS =
  'write,writev,pwrite64,sendto,sendmsg,sendmmsg,openat,mkdir,rename,unlink,rmdir,ftruncate,fchmod,chmod,fsync,fdatasync,setns,clone,clone3,vfork,connect,shutdown,pidfd_getfd';

/** The thread enters the call for the `turn`-th time. */
export interface Step {
  /** Its name, and its place among those of that name; undefined: whichever is there first. */
  readonly thread: string | undefined;
  readonly call: string;
  readonly turn: number;
}

export function formatStep({ thread, call, turn }: Step): string {
  return `${call} ${turn}${thread === undefined ? '' : ` of ${thread}`}`;
}

/** A process, and the command that runs another beside it, in its namespaces. */
export interface Traced {
  readonly pid: number;
  readonly enter: readonly string[];
}

export interface Trace {
  /** Resolves when the process has died, or tracing has been stopped. */
  readonly ended: Promise<unknown>;
  /** Lets go of the process, if it lives. */
  stop(): Promise<void>;
}

function outputOf(command: readonly string[]): string {
  return Bun.spawnSync([...command]).stdout.toString();
}

/** By name, each with its place among those of its name. */
function threadsOf({ pid, enter }: Traced): ReadonlyMap<string, number> {
  const lines = outputOf([...enter, 'ps', '-L', '-o', 'lwp=,comm=', '-p', `${pid}`]).split('\n');
  const counts = new Map<string, number>();
  const threads = lines.flatMap((line): readonly [string, number][] => {
    const [, number = '', name = ''] = /^ *(\d+) (.*)$/.exec(line) ?? [];
    const place = (counts.get(name) ?? 0) + 1;
    counts.set(name, place);
    return number === '' ? [] : [[`${name} ${place}`, Number(number)]];
  });
  return new Map(threads);
}

/** Returns when strace has its hands on the process. */
async function trace({ enter }: Traced, flags: readonly string[]): Promise<Trace> {
  const child = Bun.spawn([...enter, 'sh', '-c', 'echo $$ >&2; exec strace "$@"', 'sh', ...flags], {
    stdout: 'ignore',
    stderr: 'pipe',
  });
  const [reader, decoder] = [child.stderr.getReader(), new TextDecoder()];
  let said = '';
  while (!said.includes('attached')) {
    const { value, done } = await reader.read();
    if (done) throw new Error(`strace ended: ${said}`);
    said += decoder.decode(value);
  }
  void (async () => {
    while (!(await reader.read()).done);
  })();
  return {
    ended: child.exited,
    async stop() {
      outputOf([...enter, 'kill', '-TERM', said.split('\n')[0] ?? '']);
      await child.exited;
    },
  };
}

function injection({ call, turn }: Pick<Step, 'call' | 'turn'>): readonly string[] {
  return ['-e', `trace=${call}`, '-e', `inject=${call}:signal=KILL:when=${turn}`];
}

/** The process will die at this step, if it comes to it. */
export function killAt(traced: Traced, step: Step): Promise<Trace> {
  const all = ['-f', '-p', `${traced.pid}`];
  const thread = step.thread === undefined ? undefined : threadsOf(traced).get(step.thread);
  return trace(traced, [...(thread === undefined ? all : ['-p', `${thread}`]), ...injection(step)]);
}

/** What runs a program that is to die at this step of its first thread; by its own number, not strace's. */
export function printTracer(step: Pick<Step, 'call' | 'turn'>): string {
  return ['strace', '-D', '-o', '/dev/null', ...injection(step)].join(' ');
}

/** How often each call was entered, as strace wrote it down, by thread. */
function countCalls(log: string): ReadonlyMap<number, ReadonlyMap<string, number>> {
  const counts = new Map<number, Map<string, number>>();
  for (const [, thread = '', call = ''] of log.matchAll(/^(\d+) +(\w+)\(/gm)) {
    const own = counts.get(Number(thread)) ?? new Map<string, number>();
    counts.set(Number(thread), own.set(call, (own.get(call) ?? 0) + 1));
  }
  return counts;
}

function stepsOf(thread: Step['thread'], counts: ReadonlyMap<string, number>): readonly Step[] {
  return [...counts].flatMap(([call, count]) =>
    Array.from({ length: count }, (_, index) => ({ thread, call, turn: index + 1 })),
  );
}

/** All steps of the process's threads while `work` is done; of those that begin with it none. */
export async function listSteps(traced: Traced, work: () => Promise<void>): Promise<readonly Step[]> {
  const log = `/tmp/ocitest-steps-${process.pid}`;
  const threads = threadsOf(traced);
  const running = await trace(traced, ['-f', '-p', `${traced.pid}`, '-e', `trace=${CALLS}`, '-o', log]);
  try {
    await work();
    await running.stop();
    const counts = countCalls(readFileSync(log, 'utf8'));
    return [...threads].flatMap(([name, number]) => stepsOf(name, counts.get(number) ?? new Map()));
  } finally {
    rmSync(log, { force: true });
  }
}

/** As listSteps, for the first thread of a program that is run by the tracer in `work`. */
export async function listStepsOfProgram(work: (tracer: string) => Promise<void>): Promise<readonly Step[]> {
  const log = `/tmp/ocitest-steps-${process.pid}`;
  try {
    await work(`strace -D -f -o ${log} -e trace=${CALLS},recvfrom,exit_group`);
    const first = [...countCalls(readFileSync(log, 'utf8')).values()][0];
    return stepsOf(undefined, first ?? new Map());
  } finally {
    rmSync(log, { force: true });
  }
}
