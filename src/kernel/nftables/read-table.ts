// Reads the agent's rules for those who only want to know what they are.
import { isOcicatError } from '../../base/errors.ts';
import { TABLE } from '../../nftables/nft.ts';
import type { ObservedTable } from '../../nftables/repair.ts';
import { createMessageWriter, NETLINK_NETFILTER, openNetlink } from '../../sys/netlink.ts';
import { type RuleCounts, readCounts } from './counters.ts';
import { observeFirewall } from './observe.ts';

export interface CountedTable extends ObservedTable {
  readonly counts: RuleCounts;
}

/** Of the calling thread's network namespace; or the reason why there is nothing to read. */
export function readTable(): CountedTable | string {
  if (process.getuid?.() !== 0) return 'only root can read its rules';
  try {
    const netlink = openNetlink(NETLINK_NETFILTER);
    try {
      const writer = createMessageWriter();
      const { table } = observeFirewall(netlink, writer);
      if (table === undefined) return 'it has no rules of an agent';
      return { ...table, counts: readCounts({ netlink, writer, family: 'inet', table: TABLE }) };
    } finally {
      netlink.close();
    }
  } catch (error) {
    if (isOcicatError(error, 'kernel')) return error.message;
    throw error;
  }
}
