// The interfaces of a host with their addresses, as host endpoints are matched against them.
import type { Ip } from '../../net/ip.ts';
import * as netlink from '../../sys/netlink.ts';
import { observeAddresses } from '../route/addresses.ts';
import { observeLinks } from './links.ts';
import { isWorkloadLink } from './workload-link-spec.ts';

export interface HostInterface {
  readonly name: string;
  /** Up at both ends. */
  readonly running: boolean;
  readonly addresses: readonly Ip[];
}

/** All of the calling thread's namespace but those of workloads, by name. */
export function observeHostInterfaces(): readonly HostInterface[] {
  const socket = netlink.openNetlink(netlink.NETLINK_ROUTE);
  try {
    const byLink = Map.groupBy(observeAddresses(socket), ({ interfaceIndex }) => interfaceIndex);
    return observeLinks(socket)
      .filter((link) => !isWorkloadLink(link))
      .map(({ index, name, running }) => ({
        name,
        running,
        addresses: (byLink.get(index) ?? []).map(({ address }) => address.address),
      }))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  } finally {
    socket.close();
  }
}
