// Reads the agent's rules for those who only want to know what they are, or what they have counted.
import { isOcicatError } from '../../base/errors.ts';
import { TABLE } from '../../nftables/nft.ts';
import type { ObservedTable } from '../../nftables/repair.ts';
import { createMessageWriter, NETLINK_NETFILTER, openNetlink } from '../../sys/netlink.ts';
import { type CountedChains, readCountedChains } from './counters.ts';
import { observeFirewall, observeHead, type Source } from './observe.ts';

export interface CountedTable extends ObservedTable {
  readonly counts: CountedChains;
}

const NO_TABLE = 'it has no rules of an agent';

/** In the calling thread's network namespace; or the reason why there is nothing to read, for people. */
function read<T>(take: (source: Source) => T | string): T | string {
  if (process.getuid?.() !== 0) return 'only root can read its rules';
  try {
    const netlink = openNetlink(NETLINK_NETFILTER);
    try {
      return take({ netlink, writer: createMessageWriter(), family: 'inet', table: TABLE });
    } finally {
      netlink.close();
    }
  } catch (error) {
    if (isOcicatError(error, 'kernel')) return error.message;
    throw error;
  }
}

/** The whole table. */
export function readTable(): CountedTable | string {
  return read((source) => {
    const { table } = observeFirewall(source.netlink, source.writer);
    return table === undefined ? NO_TABLE : { ...table, counts: readCountedChains(source) };
  });
}

/** What its rules have counted alone, whatever is in its sets. */
export function readCounters(): CountedChains | string {
  return read((source) => (observeHead(source) === undefined ? NO_TABLE : readCountedChains(source)));
}
