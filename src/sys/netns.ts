// Network namespaces and the threads in them. A namespace belongs to a thread: between entering and leaving there are
// synchronous calls only, and no thread may be born there unless it is a child process that is meant to be. What needs
// only a socket or a file of another namespace takes socketIn and openIn of libc.ts, during which no JavaScript runs.
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import * as libc from './libc.ts';

const OWN_NAMESPACE = '/proc/thread-self/ns/net';

function openOwn(): number {
  return libc.open(OWN_NAMESPACE, libc.O_RDONLY | libc.O_CLOEXEC);
}

/** Home, or nowhere: going on in a pod's namespace would let the pod decide what the host's agent sees. */
function comeHome(home: number): void {
  try {
    libc.setns(home, libc.CLONE_NEWNET);
  } catch {
    process.kill(process.pid, 'SIGKILL');
    for (;;); // the signal arrives before this matters
  }
}

/** Runs `work`, which must be synchronous, inside the namespace and returns its result. Kills the process if it cannot come home. */
export function withNetns<T>(netnsFd: number, work: () => T): T {
  const home = openOwn();
  try {
    libc.setns(netnsFd, libc.CLONE_NEWNET);
    try {
      return work();
    } finally {
      comeHome(home);
    }
  } finally {
    libc.close(home);
  }
}

/** Makes a network namespace without a name; it lives as long as the returned descriptor or a process inside. */
export function createNetns(): number {
  return libc.newNetns();
}

/** Identity of the namespace the calling thread is in: `net:[4026531840]`. */
export function ownNetns(): string {
  return readlinkSync(OWN_NAMESPACE);
}

/** A thread of this process. */
export interface Thread {
  readonly id: number;
  /** `Bun Pool 0`, `HeapHelper`, `JITWorker`, …; at most 15 bytes. */
  readonly name: string;
  /** JavaScript runs here. */
  readonly isMain: boolean;
}

function tryObserveStray(id: string, home: string): Thread | undefined {
  try {
    if (readlinkSync(`/proc/self/task/${id}/ns/net`) === home) return undefined;
    const name = readFileSync(`/proc/self/task/${id}/comm`, 'utf8').trimEnd();
    return { id: Number(id), name, isMain: Number(id) === process.pid };
  } catch {
    return undefined; // the thread has ended
  }
}

/**
 * Threads of this process that are in another network namespace than `home` (ownNetns). A pool thread there would do its
 * work in the wrong network; an engine thread (HeapHelper, JITWorker) only keeps the namespace alive until it has been
 * idle for ten seconds.
 */
export function strayThreads(home: string): readonly Thread[] {
  return readdirSync('/proc/self/task').flatMap((id) => tryObserveStray(id, home) ?? []);
}

/**
 * Starts the runtime's pool and collector threads here and now. Without it they would be born during the first visit to
 * a pod, and the pool's would stay there for ever (measured on the compiled executable). Call before the first withNetns.
 */
export async function warmThreadPool(): Promise<void> {
  const TASKS = 64; // more than the pool ever has threads
  await Promise.all(Array.from({ length: TASKS }, () => stat('/proc/self/stat')));
  Bun.gc(true);
}
