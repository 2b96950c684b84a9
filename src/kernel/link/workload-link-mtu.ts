// Gives the links of workloads their MTU, both ends.
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
  /** Names of the host's ends. */
  readonly changed: readonly string[];
  /** Those whose pods are not to be found. */
  readonly lost: readonly string[];
}

interface DueLink {
  readonly link: Link;
  readonly mtuBytes: number;
}

/** All that have another one, but those whose network has an MTU of its own. */
function observeDue(host: netlink.Netlink, mtuOf: (hostName: string) => number | undefined): readonly DueLink[] {
  return observeLinks(host).flatMap((link) => {
    const mtuBytes = isWorkloadLink(link) && link.group !== FIXED_MTU_GROUP ? mtuOf(link.name) : undefined;
    return mtuBytes === undefined || mtuBytes === link.mtuBytes ? [] : [{ link, mtuBytes }];
  });
}

function followIn(host: netlink.Netlink, netnsFd: number, links: readonly DueLink[]): void {
  netlink.withRouteSocket((pod) => {
    for (const { link, mtuBytes } of links) followLink(host, pod, link, mtuBytes);
  }, netnsFd);
}

/** `mtuOf`: what is wanted of a link, by the name of the host's end; undefined: nothing. Throws `kernel`. */
export function applyWorkloadMtu(mtuOf: (hostName: string) => number | undefined): MtuOutcome {
  return netlink.withRouteSocket((host) => {
    const due = observeDue(host, mtuOf);
    const byNetns = Map.groupBy(due, ({ link }) => link.peer?.netnsId);
    const changed: string[] = [];
    if (due.length === 0) return { changed, lost: [] };
    forEachNetns(host, (netnsId, netnsFd) => {
      const links = byNetns.get(netnsId) ?? [];
      if (links.length > 0) followIn(host, netnsFd, links);
      changed.push(...links.map(({ link }) => link.name));
    });
    const names = due.map(({ link }) => link.name);
    return { changed, lost: names.filter((name) => !changed.includes(name)) };
  });
}
