// Which way a pod's packets go. Everything lies behind the gateway of its interface; of several, the one with the lowest number
// in its name has the preference (unless it is to stand behind all others), and what is sent from the address of an interface
// leaves by it: its host drops whatever comes from another address.
import { type Cidr, cidrFamily, hostCidr, isHostCidr, maskCidr, sameCidr } from '../../net/cidr.ts';
import { type Family, familyOf, type Ip, parseIp } from '../../net/ip.ts';
import type * as netlink from '../../sys/netlink.ts';
import { observeAddresses } from '../route/addresses.ts';
import { observeRoutes, PROTOCOL_BOOT, type Route, TABLE_MAIN } from '../route/routes.ts';
import { observeRules, type RoutingRule } from '../route/routing-rules.ts';
import { observeLinks } from './links.ts';
import { familiesOf, gatewayOf, type WorkloadLinkSpec } from './workload-link-spec.ts';

/** Before the main table's 32766. */
const RULE_PRIORITY = 30_000;
/** An interface's own table: this and its index, which no other interface of the namespace ever has. */
const TABLE_BASE = 0x10000;
/** The kernel's own default for IPv6 is 1024. */
const FIRST_METRIC: Readonly<Record<Family, number>> = { 4: 0, 6: 1024 };
const MAX_RANK = 1000;
/** Of interfaces that stand behind all others. */
const FIRST_LAST_RANK = 2000;
const EVERYTHING: Readonly<Record<Family, Cidr>> = {
  4: { address: parseIp('0.0.0.0'), prefixLength: 0 },
  6: { address: parseIp('::'), prefixLength: 0 },
};

/** Whether a table of the pod is one that an interface has for what is sent from its addresses. */
export function isSourceTable(table: number): boolean {
  return table >= TABLE_BASE;
}

type Routed = Pick<WorkloadLinkSpec, 'addresses' | 'routes'>;

/** What is to be in the pod for one interface, and what is to go. */
export interface PodRouting {
  readonly routes: readonly Route[];
  readonly rules: readonly RoutingRule[];
  /** Rules of interfaces that have gone. */
  readonly stale: readonly RoutingRule[];
  /** No other interface of the pod has a way out. */
  readonly isAlone: boolean;
}

/** The routes through one interface in one table: IPv4 needs one to the gateway itself; the IPv6 gateway is link-local. */
function routesThrough(index: number, table: number, rank: number, destinations: readonly Cidr[]): readonly Route[] {
  const base = { table, protocol: PROTOCOL_BOOT, type: 'unicast', interfaceIndex: index, source: undefined } as const;
  const beyond = destinations.map((destination): Route => {
    const family = cidrFamily(destination);
    const metric = FIRST_METRIC[family] + rank;
    return { ...base, destination, scope: 'universe', gateway: gatewayOf(family), metric };
  });
  if (!destinations.some((destination) => cidrFamily(destination) === 4)) return beyond;
  return [{ ...base, destination: hostCidr(gatewayOf(4)), scope: 'link', gateway: undefined, metric: rank }, ...beyond];
}

/** Everything, and what is asked for besides, of the families that have an address; each once. */
function destinationsOf({ addresses, routes = [] }: Routed): readonly Cidr[] {
  const families = familiesOf(addresses);
  const wanted = [...families.map((family) => EVERYTHING[family]), ...routes.map(maskCidr)];
  return wanted.filter(
    (cidr, at) => families.includes(cidrFamily(cidr)) && wanted.findIndex((other) => sameCidr(cidr, other)) === at,
  );
}

function isDefault({ destination }: Route): boolean {
  return destination.prefixLength === 0;
}

function isOurs({ gateway, destination }: Route): boolean {
  const isGateway = (ip: Ip) => ip === gatewayOf(familyOf(ip));
  return gateway === undefined ? isHostCidr(destination) && isGateway(destination.address) : isGateway(gateway);
}

type Ranked = Pick<WorkloadLinkSpec, 'containerName' | 'isLast'>;

/** The number at the end of an interface's name, 0 without one: `eth0` before `eth1`. */
function rankOf({ containerName, isLast = false }: Ranked): number {
  const number = Number(/\d{0,9}$/.exec(containerName)?.[0] || 0);
  return (isLast ? FIRST_LAST_RANK : 0) + Math.min(number, MAX_RANK);
}

/** The interface's own rank where it has its default route; else the first from its name's on that no other has. */
function chooseRank(spec: Ranked, own: readonly Route[], others: readonly Route[]): number {
  const existing = own.find((route) => isDefault(route) && isOurs(route));
  if (existing !== undefined) return existing.metric - FIRST_METRIC[cidrFamily(existing.destination)];
  const taken = new Set(
    others.filter(isDefault).map(({ destination, metric }) => metric - FIRST_METRIC[cidrFamily(destination)]),
  );
  let rank = rankOf(spec);
  while (taken.has(rank)) rank += 1;
  return rank;
}

/** What is sent from the interface's addresses leaves by it. */
function sourceRouting(index: number, addresses: readonly Ip[]): Pick<PodRouting, 'routes' | 'rules'> {
  const table = TABLE_BASE + index;
  return {
    routes: routesThrough(index, table, 0, destinationsOf({ addresses })),
    rules: addresses.map((source) => ({ source, table, priority: RULE_PRIORITY })),
  };
}

/**
 * What an interface wants that somebody else has taken to the pod and given its addresses, beside what they make of it. One that
 * `hasGateway` has its ways out in the main table from them, with the metrics of no number: those of the others come after.
 */
export function planTakenRouting(
  pod: netlink.Netlink,
  spec: Routed & Ranked,
  index: number,
  hasGateway: boolean,
): Omit<PodRouting, 'isAlone'> {
  const families = familiesOf(spec.addresses);
  const stale = findStale(
    pod,
    families.flatMap((family) => observeRules(pod, family)),
  );
  const { routes, rules } = sourceRouting(index, spec.addresses);
  if (hasGateway) return { routes, rules, stale };
  const existing = families.flatMap((family) => observeRoutes(pod, { family }));
  const own = existing.filter(({ interfaceIndex }) => interfaceIndex === index);
  const others = existing.filter(({ interfaceIndex }) => interfaceIndex !== index);
  const rank = Math.max(chooseRank(spec, own, others), 1);
  return { routes: [...routesThrough(index, TABLE_MAIN, rank, destinationsOf(spec)), ...routes], rules, stale };
}

/** The same for interfaces of ours that were alone until now. */
function missingSourceRoutings(pod: netlink.Netlink, others: readonly Route[], rules: readonly RoutingRule[]) {
  const indexes = new Set(others.filter(isOurs).flatMap(({ interfaceIndex }) => interfaceIndex ?? []));
  return [...indexes]
    .filter((index) => !rules.some(({ table }) => table === TABLE_BASE + index))
    .map((index) => {
      const hostAddresses = observeAddresses(pod, index).filter(({ address }) => isHostCidr(address));
      return sourceRouting(
        index,
        hostAddresses.map(({ address }) => address.address),
      );
    });
}

function findStale(pod: netlink.Netlink, rules: readonly RoutingRule[]): readonly RoutingRule[] {
  const ours = rules.filter(({ priority, table }) => priority === RULE_PRIORITY && table > TABLE_BASE);
  if (ours.length === 0) return [];
  const existing = new Set(observeLinks(pod).map(({ index }) => index));
  return ours.filter(({ table }) => !existing.has(table - TABLE_BASE));
}

/** What an interface of the pod wants, given what else is there. `pod` is a socket in its namespace. */
export function planPodRouting(pod: netlink.Netlink, spec: WorkloadLinkSpec, index: number): PodRouting {
  const families = familiesOf(spec.addresses);
  const existing = families.flatMap((family) => observeRoutes(pod, { family }));
  const own = existing.filter(({ interfaceIndex }) => interfaceIndex === index);
  const others = existing.filter(({ interfaceIndex }) => interfaceIndex !== index);
  const rank = chooseRank(spec, own, others);
  const routes = routesThrough(index, TABLE_MAIN, rank, destinationsOf(spec));
  const rules = families.flatMap((family) => observeRules(pod, family));
  const stale = findStale(pod, rules);
  if (!others.some(isDefault)) return { routes, rules: [], stale, isAlone: true };
  const routings = [sourceRouting(index, spec.addresses), ...missingSourceRoutings(pod, others, rules)];
  return {
    routes: [...routes, ...routings.flatMap((routing) => routing.routes)],
    rules: routings.flatMap((routing) => routing.rules),
    stale,
    isAlone: false,
  };
}
