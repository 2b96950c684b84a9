// Removes a whole table of nftables, with all that is in it.
import { encodeFamily } from '../../nftables/encode.ts';
import type { TableFamily } from '../../nftables/nft.ts';
import { familyNumbers, message, SUBSYSTEM_NFTABLES } from '../../nftables/wire.ts';
import { ENOENT } from '../../sys/libc.ts';
import * as netlink from '../../sys/netlink.ts';

/** False when there is no such table. Throws `kernel`, also for one that belongs to an agent that runs. */
export function removeTable(family: TableFamily, name: string): boolean {
  const socket = netlink.openNetlink(netlink.NETLINK_NETFILTER);
  const writer = netlink.createMessageWriter(256);
  const fence = (type: number) => {
    writer.begin(type, 0);
    encodeFamily(writer, 0, SUBSYSTEM_NFTABLES);
    writer.end();
  };
  try {
    fence(message.batchBegin);
    writer.begin(message.delTable, netlink.NLM_F_ACK);
    encodeFamily(writer, familyNumbers[family]);
    writer.attrString(1, name).end();
    fence(message.batchEnd);
    const [refusal] = socket.tryRequest(writer, 1);
    if (refusal === undefined) return true;
    if (refusal.errno === ENOENT) return false;
    throw netlink.refusalError(`remove table "${family} ${name}"`, refusal);
  } finally {
    socket.close();
  }
}
