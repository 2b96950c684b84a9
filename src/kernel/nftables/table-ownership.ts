// Whether the kernel offers tables that nobody but the socket that made them may change, and that outlive it: Linux 6.9 does.
import { agentTable, encodeBatch } from '../../nftables/encode.ts';
import { EINVAL, EOPNOTSUPP } from '../../sys/libc.ts';
import { createMessageWriter, NETLINK_NETFILTER, openNetlink, refusalError } from '../../sys/netlink.ts';

/** Never there for anybody to see: it is added and deleted in one batch. */
const PROBE_TABLE = 'ocicat-probe';

/** In the calling thread's network namespace. Throws `kernel`. */
export function observeTableOwnership(): boolean {
  const netlink = openNetlink(NETLINK_NETFILTER);
  try {
    const writer = createMessageWriter();
    encodeBatch(writer, [{ kind: 'add-table' }, { kind: 'delete-table' }], agentTable(PROBE_TABLE, true));
    const [refusal] = netlink.tryRequest(writer, 1);
    if (refusal === undefined) return true;
    if (refusal.errno === EOPNOTSUPP || refusal.errno === EINVAL) return false;
    throw refusalError(`add table "${PROBE_TABLE}"`, refusal);
  } finally {
    netlink.close();
  }
}
