// The workload links that exist, found without memory of the last run.
import * as netlink from '../sys/netlink.ts';
import { type Link, observeLinks } from './links.ts';
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
