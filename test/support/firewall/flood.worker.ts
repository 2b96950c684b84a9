// Sends packets from a thread of its own until it is told to stop, while the main thread changes the firewall.
import { send } from '../../../src/sys/libc.ts';

export interface FloodOrder {
  /** Connected sockets, used in turn. */
  readonly fds: readonly number[];
  /** Not 0: stop. */
  readonly stop: Int32Array;
  readonly maxMs: number;
}

declare const self: Worker;

const ROUND = 20;
const packet = new Uint8Array(8);

/** An answer to an earlier packet (a rejection) comes as an error of the next send, which then sends nothing. */
function trySend(fd: number): number {
  try {
    send(fd, packet);
    return 1;
  } catch {
    return 0;
  }
}

/** How many each socket has sent. */
function flood({ fds, stop, maxMs }: FloodOrder): readonly number[] {
  const sent = fds.map(() => 0);
  const end = performance.now() + maxMs;
  while (Atomics.load(stop, 0) === 0 && performance.now() < end) {
    for (const [index, fd] of fds.entries()) {
      for (let i = 0; i < ROUND; i++) sent[index] = (sent[index] ?? 0) + trySend(fd);
    }
  }
  return sent;
}

/** First nothing, when it begins; then how many each socket has sent. */
export type FloodReport = readonly number[] | undefined;

self.onmessage = (event: MessageEvent<FloodOrder>): void => {
  self.postMessage(undefined satisfies FloodReport);
  self.postMessage(flood(event.data) satisfies FloodReport);
};
