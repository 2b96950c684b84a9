// Whether the kernel has a kind of tunnel: one is tried, in a network namespace that is there for nothing else.
import * as libc from '../../sys/libc.ts';
import * as netlink from '../../sys/netlink.ts';
import { createNetns } from '../../sys/netns.ts';
import { beginLink, IFLA_IFNAME, IFLA_LINKINFO, RTM_NEWLINK } from './links.ts';

const IFLA_INFO_KIND = 1;
const IFLA_INFO_DATA = 2;
const VXLAN_ID = 1;

function writeTrial(writer: netlink.MessageWriter, kind: 'ipip' | 'vxlan'): void {
  const flags = netlink.NLM_F_ACK | netlink.NLM_F_CREATE | netlink.NLM_F_EXCL;
  beginLink(writer, RTM_NEWLINK, flags).attrString(IFLA_IFNAME, 'trial');
  writer.nestPlain(IFLA_LINKINFO).attrString(IFLA_INFO_KIND, kind);
  if (kind === 'vxlan') writer.nestPlain(IFLA_INFO_DATA).attrU32(VXLAN_ID, 1).endNest();
  writer.endNest().end();
}

/** Loads the module, where there is one and it can be. Takes a few milliseconds. Throws `kernel`. */
export function hasTunnels(kind: 'ipip' | 'vxlan'): boolean {
  const netns = createNetns();
  try {
    return netlink.withRouteSocket((socket) => {
      const writer = netlink.createMessageWriter(128);
      writeTrial(writer, kind);
      const [refusal] = socket.tryRequest(writer, 1);
      return refusal?.errno !== libc.EOPNOTSUPP; // any other says that it is known
    }, netns);
  } finally {
    libc.close(netns);
  }
}
