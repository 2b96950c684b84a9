// What the ways to other hosts are in the kernel's own terms, with the numbers of links for their names: as they are wanted, or as
// they are there.
import { cidrFamily, hostCidr, maskCidr } from '../../net/cidr.ts';
import type { LinkAddress } from '../route/addresses.ts';
import type { ForwardingEntry } from '../route/forwarding.ts';
import type { MarkRule } from '../route/mark-rules.ts';
import type { Neighbour } from '../route/neighbours.ts';
import { PATH_PROTOCOL, ROUTE_METRIC, type Route } from '../route/routes.ts';
import type { DesiredPath, DesiredTunnel, LinkChoice, PathState } from './path-state.ts';

export interface KernelPaths {
  readonly routes: readonly Route[];
  /** Of tunnels. */
  readonly addresses: readonly LinkAddress[];
  readonly neighbours: readonly Neighbour[];
  readonly forwarding: readonly ForwardingEntry[];
  readonly rules: readonly MarkRule[];
}

/** The number of a link that is there and up; undefined for any other. */
export type FindLink = (link: LinkChoice) => number | undefined;

/** Undefined while it has to wait for its link. */
function resolveWay({ destination, table, way }: DesiredPath, find: FindLink): Route | undefined {
  const isNowhere = way.kind === 'blackhole' || way.kind === 'throw';
  const interfaceIndex = isNowhere ? undefined : find(way.link);
  if (!isNowhere && interfaceIndex === undefined) return undefined;
  const isGateway = way.kind === 'gateway';
  return {
    destination: maskCidr(destination),
    table,
    protocol: PATH_PROTOCOL,
    scope: way.kind === 'link' && cidrFamily(destination) === 4 ? 'link' : 'universe',
    type: isNowhere ? way.kind : 'unicast',
    interfaceIndex,
    gateway: isGateway ? way.gateway : undefined,
    onlink: isGateway,
    source: undefined,
    metric: ROUTE_METRIC,
  };
}

/** Of several with the same key the first counts. */
function distinct<T>(values: readonly T[], keyOf: (value: T) => string): readonly T[] {
  const first = new Map<string, T>();
  for (const value of values) if (!first.has(keyOf(value))) first.set(keyOf(value), value);
  return [...first.values()];
}

/** What a tunnel wants, by the number that it has. */
function resolveTunnel(
  tunnel: DesiredTunnel,
  interfaceIndex: number,
): Pick<KernelPaths, 'addresses' | 'neighbours' | 'forwarding'> {
  const peers = tunnel.kind === 'vxlan' ? tunnel.peers : [];
  const fixed = { interfaceIndex, permanent: true };
  return {
    addresses: tunnel.addresses.map((ip) => ({ interfaceIndex, address: hostCidr(ip) })),
    neighbours: distinct(peers, ({ address }) => String(address)).map(({ address, mac }) => ({
      ...fixed,
      address,
      mac,
    })),
    forwarding: distinct(peers, ({ mac }) => mac).map(({ mac, underlay }) => ({ ...fixed, mac, underlay })),
  };
}

/** What the kernel has when it is as wanted; what waits for a link that is not there yet is left out. */
export function resolvePaths({ tunnels, routes, rules }: PathState, find: FindLink): KernelPaths {
  const found = [...tunnels].flatMap(([name, tunnel]) => {
    const index = find({ kind: 'name', name });
    return index === undefined ? [] : [resolveTunnel(tunnel, index)];
  });
  return {
    routes: [...routes.values()].flatMap((path) => resolveWay(path, find) ?? []),
    addresses: found.flatMap(({ addresses }) => addresses),
    neighbours: found.flatMap(({ neighbours }) => neighbours),
    forwarding: found.flatMap(({ forwarding }) => forwarding),
    rules,
  };
}
