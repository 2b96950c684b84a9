// Whether other processes of root can change the agent's rules, as the kernel says it of the agent's table.
import { isOcicatError } from '../../base/errors.ts';
import {
  createMessageWriter,
  NETLINK_NETFILTER,
  NLM_F_ACK,
  openNetlink,
  readAttributes,
  readBe32,
} from '../../sys/netlink.ts';

const TABLE = 'ocicat';
/** NFT_MSG_GETTABLE, NFPROTO_INET, NFTA_TABLE_NAME, NFTA_TABLE_FLAGS, NFT_TABLE_F_OWNER of linux/netfilter/nf_tables.h. */
const GET_TABLE = 0xa01;
const FAMILY_INET = 1;
const NAME = 1;
const FLAGS = 2;
const OWNED = 2;
const FAMILY_BYTES = 4;

/** `owned`: only the agent can change it; undefined: there is no such table. */
function observeTableProtection(): 'owned' | 'open' | undefined {
  const netlink = openNetlink(NETLINK_NETFILTER);
  try {
    const writer = createMessageWriter();
    writer.begin(GET_TABLE, NLM_F_ACK).u8(FAMILY_INET).u8(0).be16(0).attrString(NAME, TABLE).end();
    let protection: 'owned' | 'open' | undefined;
    const [refusal] = netlink.tryRequest(writer, 1, (_type, payload) => {
      const flags = readAttributes(payload, FAMILY_BYTES).get(FLAGS);
      protection = flags !== undefined && (readBe32(flags) & OWNED) !== 0 ? 'owned' : 'open';
    });
    return refusal === undefined ? protection : undefined;
  } catch (error) {
    if (isOcicatError(error, 'kernel')) return undefined;
    throw error;
  } finally {
    netlink.close();
  }
}

/** A line for `node status`; nothing when all is well. */
export function describeTableProtection(): string {
  switch (observeTableProtection()) {
    case 'owned':
      return '';
    case 'open':
      return `\nAny process of root can change the rules in table inet ${TABLE}: this kernel does not keep them out (Linux 6.9\ndoes), or NFTABLES_OWN_TABLE=false says so. The agent puts right what others change.\n`;
    case undefined:
      return `\nThere is no table inet ${TABLE}: no policy is in force.\n`;
  }
}
