// Reads the agent's rules for those who only want to know what they are.
import { isOcicatError } from '../../base/errors.ts';
import type { ObservedTable } from '../../nftables/repair.ts';
import { createMessageWriter, NETLINK_NETFILTER, openNetlink } from '../../sys/netlink.ts';
import { observeFirewall } from './observe.ts';

/** Of the calling thread's network namespace; in words why there is nothing to read. */
export function readTable(): ObservedTable | string {
  if (process.getuid?.() !== 0) return 'only root can read its rules';
  try {
    const netlink = openNetlink(NETLINK_NETFILTER);
    try {
      const { table } = observeFirewall(netlink, createMessageWriter());
      return table ?? 'it has no rules of an agent';
    } finally {
      netlink.close();
    }
  } catch (error) {
    if (isOcicatError(error, 'kernel')) return error.message;
    throw error;
  }
}
