// A thread for kernel work that takes long, so that the main thread goes on meanwhile. Work is done in the order of asking.
import { OcicatError } from '../../base/errors.ts';
import type { KernelAnswer, KernelWork } from './kernel.worker.ts';

export interface KernelWorker {
  /** Resolves when the work is done; throws `kernel` when it was refused. The process stays alive meanwhile. */
  ask(work: KernelWork): Promise<void>;
  /** Work that is still waiting is not done, and fails. */
  close(): void;
}

/**
 * From source the worker is the file beside this one. In the compiled executable it is an entry point of its own
 * (`bun build --compile src/main.ts src/kernel/worker/kernel.worker.ts`), named by its path below the entry points' common
 * directory. Only an absolute name will do there: a relative one would be looked for in the working directory too.
 */
function workerPath(): string {
  const compiled = import.meta.dir.startsWith('/$bunfs/');
  return compiled ? '/$bunfs/root/kernel/worker/kernel.worker.js' : new URL('./kernel.worker.ts', import.meta.url).href;
}

/** The thread starts with the first work. */
export function openKernelWorker(): KernelWorker {
  let worker: Worker | undefined;
  let closed = false;
  const waiting: ((answer: KernelAnswer) => void)[] = [];

  function settle(answer: KernelAnswer): void {
    waiting.shift()?.(answer);
    if (waiting.length === 0) worker?.unref();
  }

  /** A thread that has died takes all of its work with it; the next work starts another one. */
  function settleAll(answer: string): void {
    worker = undefined;
    for (const resolve of waiting.splice(0)) resolve(answer);
  }

  function start(): Worker {
    const started = new Worker(workerPath());
    started.onmessage = (event: MessageEvent<KernelAnswer>) => settle(event.data);
    started.onerror = (event) => settleAll(event.message);
    return started;
  }

  return {
    async ask(work) {
      if (closed) throw new OcicatError('internal', `${work.kind}: the worker is closed`);
      worker ??= start();
      const asked = worker;
      asked.ref(); // the process may not end before the answer
      const refusal = await new Promise<KernelAnswer>((resolve) => {
        waiting.push(resolve);
        asked.postMessage(work);
      });
      if (refusal !== undefined) throw new OcicatError('kernel', refusal);
    },
    close() {
      closed = true;
      worker?.terminate();
      settleAll('closed before it was done');
    },
  };
}
