// Gives the links of workloads their MTU, both ends.
import { isOcicatError } from '../../base/errors.ts';
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
  /** Those that keep theirs, and why: `cali1: …`. */
  readonly failed: readonly string[];
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

/** One that goes meanwhile, or does not take it, is no reason to leave the others. */
function tryFollowLink(host: netlink.Netlink, pod: netlink.Netlink, { link, mtuBytes }: DueLink): string | undefined {
  try {
    followLink(host, pod, link, mtuBytes);
    return undefined;
  } catch (error) {
    if (!isOcicatError(error)) throw error;
    return error.message;
  }
}

const NOT_SEEN = 'the network namespace of its pod is not seen from here';

/** `mtuOf`: what is wanted of a link, by the name of the host's end; undefined: nothing. Throws `kernel`. */
export function applyWorkloadMtu(mtuOf: (hostName: string) => number | undefined): MtuOutcome {
  return netlink.withRouteSocket((host) => {
    const due = observeDue(host, mtuOf);
    const faults = new Map<string, string | undefined>(due.map(({ link }) => [link.name, NOT_SEEN]));
    const byNetns = Map.groupBy(due, ({ link }) => link.peer?.netnsId);
    if (due.length === 0) return { changed: [], failed: [] };
    forEachNetns(host, (netnsId, netnsFd) => {
      const links = byNetns.get(netnsId);
      if (links === undefined) return;
      netlink.withRouteSocket((pod) => {
        for (const one of links) faults.set(one.link.name, tryFollowLink(host, pod, one));
      }, netnsFd);
    });
    return {
      changed: [...faults].flatMap(([name, fault]) => (fault === undefined ? [name] : [])),
      failed: [...faults].flatMap(([name, fault]) => (fault === undefined ? [] : [`${name}: ${fault}`])),
    };
  });
}
