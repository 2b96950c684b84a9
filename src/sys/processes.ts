// Processes as /proc shows them: found by their command lines in a network namespace, distinguished from later ones of
// the same number, signalled, and seen to end.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { isErrno } from './errno.ts';

/** A process that cannot be mistaken for a later one with the same number. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Clock ticks since boot, field 22 of /proc/PID/stat (proc_pid_stat(5)). */
  readonly startTicks: string;
}

interface Status {
  /** `Z` for one that has ended and that nobody has waited for. */
  readonly state: string;
  readonly startTicks: string;
}

/** Undefined when the process has ended meanwhile, or does not show it. */
function tryRead<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

function tryReadStatus(pid: number): Status | undefined {
  const stat = tryRead(() => readFileSync(`/proc/${pid}/stat`, 'utf8'));
  if (stat === undefined) return undefined;
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return { state: fields[0] ?? '', startTicks: fields[19] ?? '' };
}

/** Device and inode: what a namespace or file is the same by, whatever its path. */
export function tryReadInode(path: string): string | undefined {
  return tryRead(() => {
    const { dev, ino } = statSync(path, { bigint: true });
    return `${dev}:${ino}`;
  });
}

/** The name of the program, cut at 15 characters (proc_pid_comm(5)). */
export function tryReadName(pid: number): string | undefined {
  return tryRead(() => readFileSync(`/proc/${pid}/comm`, 'utf8').trimEnd());
}

export function tryReadCommandLine(pid: number): readonly string[] | undefined {
  return tryRead(() => readFileSync(`/proc/${pid}/cmdline`, 'utf8').replace(/\0$/, '').split('\0'));
}

/**
 * Processes of a network namespace, the calling thread's by default, whose command line is wanted. Other hosts of a lab on this
 * machine have namespaces of their own.
 */
export function observeProcesses(
  isWanted: (commandLine: readonly string[], pid: number) => boolean,
  netnsPath = '/proc/thread-self/ns/net',
): readonly number[] {
  const netns = tryReadInode(netnsPath);
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      const commandLine = tryReadCommandLine(pid);
      return commandLine !== undefined && isWanted(commandLine, pid) && tryReadInode(`/proc/${pid}/ns/net`) === netns;
    });
}

/** The process with this number now; undefined when there is none. */
export function tryIdentify(pid: number): ProcessIdentity | undefined {
  const status = tryReadStatus(pid);
  return status === undefined || status.state === 'Z' ? undefined : { pid, startTicks: status.startTicks };
}

export function isAlive(process: ProcessIdentity): boolean {
  return tryIdentify(process.pid)?.startTicks === process.startTicks;
}

/**
 * True once everything that a process of one thread had open is closed: a zombie, or nothing. One that is ending loses its
 * command line long before that, and is no longer found by it (proc_pid_stat(5)).
 */
export function hasEnded(pid: number): boolean {
  return tryIdentify(pid) === undefined;
}

/** One that has ended by itself is as good. */
export function signalProcess(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (!isErrno(error, 'ESRCH')) throw error;
  }
}
