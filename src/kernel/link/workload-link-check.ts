// Compares a workload's link with what was asked for, as CNI CHECK does.
import type { Issue } from '../../base/errors.ts';
import { formatCidr, hostCidr, sameCidr } from '../../net/cidr.ts';
import { familyOf, formatIp, type Ip } from '../../net/ip.ts';
import type { Mac } from '../../net/mac.ts';
import * as netlink from '../../sys/netlink.ts';
import { observeAddresses } from '../route/addresses.ts';
import { observeNeighbours } from '../route/neighbours.ts';
import { formatRoute, observeRoutes, type Route, sameRoute, workloadRoute } from '../route/routes.ts';
import { observeRules, type RoutingRule } from '../route/routing-rules.ts';
import { type Link, observeLink } from './links.ts';
import { planPodRouting } from './pod-routes.ts';
import { computeAlias, familiesOf, gatewayOf, HOST_MAC, type WorkloadLinkSpec } from './workload-link-spec.ts';

function differ(path: string, found: string | undefined, wanted: string): readonly Issue[] {
  return found === wanted ? [] : [{ path, found: found ?? 'nothing', wanted }];
}

function checkLink(path: string, link: Link, mac: Mac, mtuBytes: number | undefined): readonly Issue[] {
  return [
    ...differ(`${path}.mac`, link.mac, mac),
    ...(mtuBytes === undefined ? [] : differ(`${path}.mtu`, String(link.mtuBytes), String(mtuBytes))),
    ...differ(`${path}.state`, link.up ? 'up' : 'down', 'up'),
  ];
}

function checkRoutes(path: string, socket: netlink.Netlink, wanted: readonly Route[]): readonly Issue[] {
  const byTable = Map.groupBy(wanted, ({ table }) => table);
  const missing = [...byTable].flatMap(([table, routes]) => {
    const standing = observeRoutes(socket, { table, interfaceIndex: routes[0]?.interfaceIndex ?? 0 });
    return routes.filter((route) => !standing.some((other) => sameRoute(route, other)));
  });
  return missing.map((route) => ({ path: `${path}.routes`, found: 'nothing', wanted: formatRoute(route) }));
}

function checkRules(path: string, pod: netlink.Netlink, wanted: readonly RoutingRule[]): readonly Issue[] {
  const families = new Set(wanted.map(({ source }) => familyOf(source)));
  const rules = [...families].flatMap((family) => observeRules(pod, family));
  return wanted
    .filter(({ source, table }) => !rules.some((rule) => rule.source === source && rule.table === table))
    .map((rule) => ({ path: `${path}.rules`, found: 'nothing', wanted: `from ${formatIp(rule.source)}` }));
}

function checkNeighbours(
  path: string,
  socket: netlink.Netlink,
  index: number,
  wanted: readonly (readonly [Ip, Mac])[],
): readonly Issue[] {
  const permanent = observeNeighbours(socket, index).filter((neighbour) => neighbour.permanent);
  return wanted.flatMap(([ip, mac]) => {
    const entry = permanent.find(({ address }) => address === ip);
    return differ(`${path}.neighbours[${formatIp(ip)}]`, entry?.mac, mac);
  });
}

function checkHostEnd(host: netlink.Netlink, spec: WorkloadLinkSpec): readonly Issue[] {
  const path = `host link ${spec.hostName}`;
  const link = observeLink(host, spec.hostName);
  if (link === undefined) return differ(path, undefined, 'a link');
  const routes = spec.addresses.map((ip) => workloadRoute(hostCidr(ip), link.index));
  const neighbours = spec.addresses.map((ip) => [ip, spec.mac] as const);
  return [
    ...checkLink(path, link, HOST_MAC, spec.mtuBytes),
    ...differ(`${path}.alias`, link.alias, computeAlias(spec.endpoint)),
    ...checkRoutes(path, host, routes),
    ...checkNeighbours(path, host, link.index, neighbours),
  ];
}

function checkPodEnd(pod: netlink.Netlink, spec: WorkloadLinkSpec): readonly Issue[] {
  const path = `pod link ${spec.containerName}`;
  const link = observeLink(pod, spec.containerName);
  if (link === undefined) return differ(path, undefined, 'a link');
  const addresses = observeAddresses(pod, link.index);
  const missing = spec.addresses
    .map(hostCidr)
    .filter((cidr) => !addresses.some(({ address }) => sameCidr(address, cidr)))
    .map((cidr) => ({ path: `${path}.addresses`, found: 'nothing', wanted: formatCidr(cidr) }));
  const routing = planPodRouting(pod, spec, link.index);
  const gateways = familiesOf(spec.addresses).map((family) => [gatewayOf(family), HOST_MAC] as const);
  return [
    ...checkLink(path, link, spec.mac, spec.mtuBytes),
    ...missing,
    ...checkRoutes(path, pod, routing.routes),
    ...checkRules(path, pod, routing.rules),
    ...checkNeighbours(path, pod, link.index, gateways),
  ];
}

/** Every difference between the link and its specification, the host's end first; an empty list when all is as wanted. */
export function checkWorkloadLink(spec: WorkloadLinkSpec): readonly Issue[] {
  const host = netlink.openNetlink(netlink.NETLINK_ROUTE);
  try {
    const pod = netlink.openNetlink(netlink.NETLINK_ROUTE, { netnsFd: spec.netnsFd });
    try {
      return [...checkHostEnd(host, spec), ...checkPodEnd(pod, spec)];
    } finally {
      pod.close();
    }
  } finally {
    host.close();
  }
}
