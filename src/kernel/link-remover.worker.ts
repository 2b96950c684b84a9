// The thread that waits while the kernel deletes links. Handed a netlink socket, it deletes all marked links and answers;
// the socket decides the namespace, so it does not matter where this thread was born.
import { describeError } from '../base/errors.ts';
import { adoptNetlink } from '../sys/netlink.ts';
import { deleteMarked } from './removal-group.ts';

/** What went wrong, or undefined. */
export type RemovalAnswer = string | undefined;

declare const self: Worker;

self.onmessage = (event: MessageEvent<number>): void => {
  const answer = (text: RemovalAnswer) => self.postMessage(text);
  try {
    deleteMarked(adoptNetlink(event.data));
    answer(undefined);
  } catch (error) {
    answer(describeError(error));
  }
};
