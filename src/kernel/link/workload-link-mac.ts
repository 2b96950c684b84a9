// The MAC address of a pod's end, which another plugin or the pod itself may change: seen from the host without entering
// the pod's namespace, and followed by the entries of neighbours on both sides, which the kernel forgets or keeps as they were.
import type { Ip } from '../../net/ip.ts';
import type { Mac } from '../../net/mac.ts';
import * as netlink from '../../sys/netlink.ts';
import { writePermanentNeighbour } from '../route/neighbours.ts';
import * as links from './links.ts';
import { forEachNetns } from './netns-ids.ts';
import { familiesOf, gatewayOf, HOST_MAC, isWorkloadLink } from './workload-link-spec.ts';

export interface PodMac {
  /** Of the host's end. */
  readonly hostName: string;
  readonly mac: Mac;
}

function observePodMac(host: netlink.Netlink, link: links.Link): PodMac | undefined {
  const { peer, name } = link;
  const mac = peer === undefined ? undefined : links.observePeer(host, peer)?.mac;
  return mac === undefined ? undefined : { hostName: name, mac };
}

/** Of these links of workloads; one question to the kernel for each, some 0.1 ms. Throws `kernel`. */
export function observePodMacs(ends: readonly links.Link[]): readonly PodMac[] {
  const host = netlink.openNetlink(netlink.NETLINK_ROUTE);
  try {
    return ends.flatMap((link) => observePodMac(host, link) ?? []);
  } finally {
    host.close();
  }
}

/** Of the workload whose link has this name on the host; undefined when it has gone. Throws `kernel`. */
export function observePodMacOf(hostName: string): PodMac | undefined {
  const host = netlink.openNetlink(netlink.NETLINK_ROUTE);
  try {
    const link = links.observeLink(host, hostName);
    return link === undefined || !isWorkloadLink(link) ? undefined : observePodMac(host, link);
  } finally {
    host.close();
  }
}

/** A device forgets its neighbours when its address changes: the pod gets the entry of its gateway again. */
function tellGateway(netnsFd: number, index: number, addresses: readonly Ip[]): void {
  const pod = netlink.openNetlink(netlink.NETLINK_ROUTE, { netnsFd });
  try {
    const writer = netlink.createMessageWriter(256);
    for (const family of familiesOf(addresses)) writePermanentNeighbour(writer, index, gatewayOf(family), HOST_MAC);
    pod.request(writer, writer.count);
  } finally {
    pod.close();
  }
}

/** False when the pod's namespace is not to be found. Throws `kernel`. */
export function applyPodMac({ hostName, mac }: PodMac, addresses: readonly Ip[]): boolean {
  const host = netlink.openNetlink(netlink.NETLINK_ROUTE);
  try {
    const link = links.observeLink(host, hostName);
    const { peer } = link ?? {};
    if (link === undefined || peer === undefined) return false;
    const writer = netlink.createMessageWriter(256);
    for (const ip of addresses) writePermanentNeighbour(writer, link.index, ip, mac);
    host.request(writer, writer.count);
    let isFound = false;
    forEachNetns(host, (netnsId, netnsFd) => {
      if (netnsId !== peer.netnsId) return;
      tellGateway(netnsFd, peer.index, addresses);
      isFound = true;
    });
    return isFound;
  } finally {
    host.close();
  }
}
