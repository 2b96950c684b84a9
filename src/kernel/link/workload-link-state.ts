// The workload links that exist, found without memory of the last run.
import { isHostCidr } from '../../net/cidr.ts';
import type { Ip } from '../../net/ip.ts';
import * as netlink from '../../sys/netlink.ts';
import { observeRoutes } from '../route/routes.ts';
import { type Link, observeLink, observeLinks } from './links.ts';
import { endpointOf, isWorkloadLink } from './workload-link-spec.ts';

export interface WorkloadLinkState extends Link {
  /** `<namespace>/<name>`; undefined when its maker was stopped before it could write the alias. */
  readonly endpoint: string | undefined;
}

/** Host ends that are ours, up or down, in the calling thread's namespace. */
export function observeWorkloadLinks(): readonly WorkloadLinkState[] {
  const host = netlink.openNetlink(netlink.NETLINK_ROUTE);
  try {
    return observeLinks(host)
      .filter(isWorkloadLink)
      .map((link) => ({ ...link, endpoint: endpointOf(link) }));
  } finally {
    host.close();
  }
}

/** Whether somebody else's link has the name, in the calling thread's namespace. */
export function isForeignLink(name: string): boolean {
  const host = netlink.openNetlink(netlink.NETLINK_ROUTE);
  try {
    const link = observeLink(host, name);
    return link !== undefined && !isWorkloadLink(link);
  } finally {
    host.close();
  }
}

/** Addresses that have a route of their own through a link of the calling thread's namespace. */
export function observeRoutedAddresses(interfaceIndex: number): readonly Ip[] {
  const host = netlink.openNetlink(netlink.NETLINK_ROUTE);
  try {
    return observeRoutes(host, { interfaceIndex })
      .filter(({ destination }) => isHostCidr(destination))
      .map(({ destination }) => destination.address);
  } finally {
    host.close();
  }
}
