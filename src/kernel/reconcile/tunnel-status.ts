// The tunnels to other hosts and the routes there, as the kernel has them, for people.

import { cidrFamily } from '../../net/cidr.ts';
import type { Family } from '../../net/ip.ts';
import * as netlink from '../../sys/netlink.ts';
import { observeLinks } from '../link/links.ts';
import { observeTunnelLinks } from '../link/tunnel-link.ts';
import { observeTunnelLink, type TunnelStatus } from '../link/tunnel-status.ts';
import { observeForwarding } from '../route/forwarding.ts';
import { observeRoutes, PATH_PROTOCOL, PROTOCOL_BIRD, type Route } from '../route/routes.ts';
import { isOurTunnel } from './tunnel-difference.ts';

function countGateways(routes: readonly Route[], index: number): number {
  return new Set(routes.filter(({ interfaceIndex }) => interfaceIndex === index).map(({ gateway }) => gateway)).size;
}

/** The agent's own that do not encrypt, in the calling thread's network namespace, in the order of their names. */
export function observeTunnels(): readonly TunnelStatus[] {
  return netlink.withRouteSocket((socket) => {
    const tunnels = observeTunnelLinks(socket).filter(isOurTunnel);
    if (tunnels.length === 0) return [];
    const routes = observeRoutes(socket, { protocol: PATH_PROTOCOL });
    const all = tunnels.map((link) => {
      const { index, identity } = link;
      const peers = identity?.kind === 'vxlan' ? observeForwarding(socket, index).length : countGateways(routes, index);
      return { ...observeTunnelLink(socket, link), peers };
    });
    return all.sort((a, b) => (a.name < b.name ? -1 : 1));
  });
}

export interface RouteCount {
  readonly family: Family;
  readonly maker: 'calico-node' | 'BIRD';
  /** Undefined: they lead nowhere, as those of own blocks do. */
  readonly link: string | undefined;
  readonly count: number;
}

/** How many routes each of the two has in the main table, by the link that they lead by. */
export function observeRouteCounts(): readonly RouteCount[] {
  return netlink.withRouteSocket((socket) => {
    const names = new Map(observeLinks(socket).map(({ index, name }) => [index, name]));
    const makers = [
      ['calico-node', PATH_PROTOCOL],
      ['BIRD', PROTOCOL_BIRD],
    ] as const;
    return makers.flatMap(([maker, protocol]) => {
      const groups = Map.groupBy(observeRoutes(socket, { protocol }), (route) => {
        const link = route.nextHops?.[0]?.interfaceIndex ?? route.interfaceIndex;
        return `${cidrFamily(route.destination)} ${route.type === 'unicast' ? (names.get(link ?? 0) ?? '') : ''}`;
      });
      return [...groups].map(([key, { length: count }]): RouteCount => {
        const link = key.slice(2);
        return { family: key.startsWith('4') ? 4 : 6, maker, link: link === '' ? undefined : link, count };
      });
    });
  });
}
