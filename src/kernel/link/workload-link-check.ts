// Compares a workload's link with what was asked for, as CNI CHECK does.
import type { Issue } from '../../base/errors.ts';
import { formatCidr, hostCidr, maskCidr, sameCidr } from '../../net/cidr.ts';
import { familyOf, formatIp, type Ip } from '../../net/ip.ts';
import type { Mac } from '../../net/mac.ts';
import * as netlink from '../../sys/netlink.ts';
import { observeAddresses } from '../route/addresses.ts';
import { observeNeighbours } from '../route/neighbours.ts';
import {
  formatRoute,
  observeRoutes,
  type Route,
  sameRoute,
  TABLE_ANY,
  TABLE_MAIN,
  workloadRoute,
} from '../route/routes.ts';
import { observeRules, type RoutingRule } from '../route/routing-rules.ts';
import { type Link, observeLink } from './links.ts';
import { isSourceTable, planPodRouting } from './pod-routes.ts';
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

function missingRoutes(socket: netlink.Netlink, wanted: readonly Route[]): readonly Route[] {
  const byTable = Map.groupBy(wanted, ({ table }) => table);
  return [...byTable].flatMap(([table, routes]) => {
    const standing = observeRoutes(socket, { table, interfaceIndex: routes[0]?.interfaceIndex ?? 0 });
    return routes.filter((route) => !standing.some((other) => sameRoute(route, other)));
  });
}

function reportRoutes(path: string, missing: readonly Route[]): readonly Issue[] {
  return missing.map((route) => ({ path: `${path}.routes`, found: 'nothing', wanted: formatRoute(route) }));
}

/** A plugin that comes later in a chain, such as sbr, may have taken a route into a table of its own. */
function checkPodRoutes(path: string, pod: netlink.Netlink, index: number, wanted: readonly Route[]): readonly Issue[] {
  const missing = missingRoutes(pod, wanted);
  if (missing.length === 0) return [];
  const standing = observeRoutes(pod, { table: TABLE_ANY, interfaceIndex: index });
  const moved = standing.filter(({ table }) => table !== TABLE_MAIN && !isSourceTable(table));
  const isMoved = ({ destination, gateway }: Route) =>
    moved.some((other) => sameCidr(maskCidr(other.destination), maskCidr(destination)) && other.gateway === gateway);
  return reportRoutes(
    path,
    missing.filter((route) => !isMoved(route)),
  );
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
    ...reportRoutes(path, missingRoutes(host, routes)),
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
    ...checkPodRoutes(path, pod, link.index, routing.routes),
    ...checkRules(path, pod, routing.rules),
    ...checkNeighbours(path, pod, link.index, gateways),
  ];
}

/**
 * Every difference between the link and its specification, the host's end first; an empty list when all is as wanted. What an end
 * is like that somebody else takes to its pod is theirs to say.
 */
export function checkWorkloadLink(spec: WorkloadLinkSpec): readonly Issue[] {
  const { netnsFd } = spec;
  const inPod = netnsFd === undefined ? [] : netlink.withRouteSocket((pod) => checkPodEnd(pod, spec), netnsFd);
  return [...netlink.withRouteSocket((host) => checkHostEnd(host, spec)), ...inPod];
}
