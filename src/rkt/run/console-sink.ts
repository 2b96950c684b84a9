// Standard output as the pod's console writes to it: in order, and without a call that waits for whoever reads it.
import * as libc from '../../sys/libc.ts';
import { tryWriteWhole } from '../../sys/output.ts';

export interface ConsoleSink {
  /** Resolves when the bytes are written or lost. What standard output does not take is lost, which is reported once. */
  write(bytes: Uint8Array): Promise<void>;
  /** Whether the reader has not made room for a while. */
  isWaiting(): boolean;
  /** Resolves when everything is written; what a reader that does not read keeps from that is lost once `hurried` has fired. */
  end(hurried: AbortSignal): Promise<void>;
}

const STDOUT = 1;
const POLLOUT = 4;
/** So much a pipe takes without waiting once it is ready. Source: pipe(7), PIPE_BUF. */
const PIECE_BYTES = 4096;
/** A reader that keeps up has made room by then; for others it is looked at again later, and signals are heard meanwhile. */
const READY_MS = 1;
const LOOK_MS = 10;

export function openConsoleSink(warn: (line: string) => void): ConsoleSink {
  let warned = false;
  let waiting = false;
  let isAbandoned = false;
  let last: Promise<void> = Promise.resolve();

  const lose = (errno: string): void => {
    if (!warned) warn(`warning: write standard output: ${errno}; what apps print may be lost`);
    warned = true;
  };
  async function untilReady(): Promise<void> {
    for (; !isAbandoned && libc.poll(STDOUT, POLLOUT, READY_MS) === 0; await Bun.sleep(LOOK_MS)) waiting = true;
    waiting = false;
  }
  async function writeWhole(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
      await untilReady();
      if (isAbandoned) return lose('nobody reads it');
      const errno = tryWriteWhole(STDOUT, bytes.subarray(at, at + PIECE_BYTES));
      if (errno !== undefined && errno !== 'EPIPE') return lose(errno);
    }
  }
  return {
    write(bytes) {
      last = last.then(() => writeWhole(bytes));
      return last;
    },
    isWaiting: () => waiting,
    async end(hurried) {
      while (waiting && !hurried.aborted) await Bun.sleep(LOOK_MS);
      isAbandoned = waiting;
      await last;
    },
  };
}
