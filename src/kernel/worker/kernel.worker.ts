// The thread that waits while the kernel deletes links or flows. Handed a netlink socket and what is to be done, it does
// it and answers; the socket decides the namespace, so it does not matter where this thread was born.
import { describeError } from '../../base/errors.ts';
import type { Ip } from '../../net/ip.ts';
import type { PortMapping } from '../../net/port-mapping.ts';
import { adoptNetlink } from '../../sys/netlink.ts';
import { flushConntrack } from '../flow/conntrack.ts';
import { flushPortFlows } from '../flow/port-flows.ts';
import { deleteMarked } from '../link/removal-group.ts';

export type KernelWork =
  /** Deletes all links that are marked. */
  | { readonly kind: 'delete-links'; readonly fd: number }
  | { readonly kind: 'flush-flows'; readonly fd: number; readonly addresses: readonly Ip[] }
  | {
      readonly kind: 'flush-ports';
      readonly fd: number;
      readonly mappings: readonly PortMapping[];
      readonly own: readonly Ip[];
    };

/** What went wrong, or undefined. */
export type KernelAnswer = string | undefined;

declare const self: Worker;

function perform(work: KernelWork): void {
  const socket = adoptNetlink(work.fd);
  switch (work.kind) {
    case 'delete-links':
      deleteMarked(socket);
      return;
    case 'flush-flows':
      flushConntrack(socket, work.addresses);
      return;
    case 'flush-ports':
      flushPortFlows(socket, work.mappings, work.own);
      return;
  }
}

self.onmessage = (event: MessageEvent<KernelWork>): void => {
  const answer = (text: KernelAnswer) => self.postMessage(text);
  try {
    perform(event.data);
    answer(undefined);
  } catch (error) {
    answer(describeError(error));
  }
};
