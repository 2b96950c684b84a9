// Any number of changes by netlink: sent in parts, each so small that all of it may be refused and the answers still have room.
import { createMessageWriter, type MessageWriter, type Netlink, NLM_F_ACK, type Refusal } from '../../sys/netlink.ts';

/** An answer takes 800 bytes of the socket's buffer, which has some 200 KiB where the system's default is what it was. */
const PART = 200;

export interface RefusedItem<T> extends Refusal {
  readonly item: T;
}

/**
 * `write` appends one message for an item, with these flags; only the last of a part is acknowledged, refusals are answered without.
 * Every item is tried, in order. Returns those that the kernel refused.
 */
export function requestEach<T>(
  socket: Netlink,
  items: readonly T[],
  write: (writer: MessageWriter, item: T, flags: number) => void,
): readonly RefusedItem<T>[] {
  const writer = createMessageWriter(64 * Math.min(items.length, PART));
  const refused: RefusedItem<T>[] = [];
  for (let from = 0; from < items.length; from += PART) {
    const part = items.slice(from, from + PART);
    writer.reset();
    for (const [at, item] of part.entries()) write(writer, item, at === part.length - 1 ? NLM_F_ACK : 0);
    for (const refusal of socket.tryRequest(writer, 1)) {
      const item = part[refusal.index];
      if (item !== undefined) refused.push({ ...refusal, item });
    }
  }
  return refused;
}
