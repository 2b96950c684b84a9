// Makes the links of workloads follow the MTU of the host's uplinks, both ends.
import * as netlink from '../../sys/netlink.ts';
import { beginLink, IFLA_MTU, type Link, observeLinkOfIndex, observeLinks, RTM_NEWLINK } from './links.ts';
import { forEachNetns } from './netns-ids.ts';
import { FIXED_MTU_GROUP, isWorkloadLink } from './workload-link-spec.ts';

function setMtu(socket: netlink.Netlink, { index, name }: Link, mtuBytes: number): void {
  const writer = netlink.createMessageWriter(64);
  beginLink(writer, RTM_NEWLINK, netlink.NLM_F_ACK, { index }).attrU32(IFLA_MTU, mtuBytes).end();
  const [refusal] = socket.tryRequest(writer, 1);
  if (refusal !== undefined) throw netlink.refusalError(`set MTU of link "${name}"`, refusal);
}

/** The pod's end, unless somebody has given it another MTU than the host's end had; that goes last, as the mark of what is done. */
function followLink(host: netlink.Netlink, pod: netlink.Netlink, link: Link, mtuBytes: number): void {
  const inPod = link.peer === undefined ? undefined : observeLinkOfIndex(pod, link.peer.index);
  if (inPod?.mtuBytes === link.mtuBytes) setMtu(pod, inPod, mtuBytes);
  setMtu(host, link, mtuBytes);
}

export interface MtuOutcome {
  readonly changed: number;
  /** Names of the host's ends whose pods are not to be found. */
  readonly lost: readonly string[];
}

/** All links but those whose network has an MTU of its own. Throws `kernel`. */
export function applyWorkloadMtu(mtuBytes: number): MtuOutcome {
  const host = netlink.openNetlink(netlink.NETLINK_ROUTE);
  try {
    const due = observeLinks(host).filter(
      (link) => isWorkloadLink(link) && link.group !== FIXED_MTU_GROUP && link.mtuBytes !== mtuBytes,
    );
    const byNetns = Map.groupBy(due, ({ peer }) => peer?.netnsId);
    const lost = new Map(due.map((link) => [link.index, link.name]));
    if (due.length === 0) return { changed: 0, lost: [] };
    forEachNetns(host, (netnsId, netnsFd) => {
      const links = byNetns.get(netnsId) ?? [];
      if (links.length === 0) return;
      const pod = netlink.openNetlink(netlink.NETLINK_ROUTE, { netnsFd });
      try {
        for (const link of links) {
          followLink(host, pod, link, mtuBytes);
          lost.delete(link.index);
        }
      } finally {
        pod.close();
      }
    });
    return { changed: due.length - lost.size, lost: [...lost.values()] };
  } finally {
    host.close();
  }
}
