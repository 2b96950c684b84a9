// The ways to other hosts as the kernel side wants to have them said: the whole, and what of it is other by a change.
import {
  type DesiredPath,
  type DesiredTunnel,
  type LinkChoice,
  mergePaths,
  type PathState,
  pathKey,
} from '../../kernel/reconcile/path-state.ts';
import { TABLE_MAIN } from '../../kernel/route/routes.ts';
import type { Cidr } from '../../net/cidr.ts';
import type { Family } from '../../net/ip.ts';
import type {
  Change,
  ClusterRoute,
  ClusterRouteChanges,
  ClusterRoutes,
  FamilyRoutes,
  VxlanPeer,
} from '../../routing/cluster-routes.ts';
import { IPIP_LINK, VXLAN_LINKS } from '../../routing/cluster-routes.ts';

const BOTH = [4, 6] as const;

/** Kinds of ways that cannot be made here. What would go there goes nowhere, and not by another way as it is. */
type Unmade = ReadonlySet<string>;

/** What of a family is to be said: all, or some. */
interface Part {
  readonly peers: readonly VxlanPeer[];
  readonly routes: readonly ClusterRoute[];
  readonly blackholes: readonly Cidr[];
}

type Links = Readonly<Record<ClusterRoute['way']['kind'], LinkChoice | undefined>>;

/** Which link each kind of way leads by; undefined while this host has no address there. */
function linksOf(family: Family, { underlay }: FamilyRoutes): Links {
  return {
    vxlan: { kind: 'name', name: VXLAN_LINKS[family] },
    ipip: { kind: 'name', name: IPIP_LINK },
    direct: underlay && { kind: 'holder', address: underlay.address },
  };
}

function nowhere(destination: Cidr): DesiredPath {
  return { destination, table: TABLE_MAIN, way: { kind: 'blackhole' } };
}

function tryPathOf({ destination, way }: ClusterRoute, links: Links, unmade: Unmade): DesiredPath | undefined {
  if (unmade.has(way.kind)) return nowhere(destination);
  const link = links[way.kind];
  return link && { destination, table: TABLE_MAIN, way: { kind: 'gateway', link, gateway: way.gateway } };
}

function tunnelsOf({ vxlan, ipip }: FamilyRoutes, family: Family, peers: readonly VxlanPeer[], unmade: Unmade) {
  const tunnels = new Map<string, DesiredTunnel>();
  if (vxlan !== undefined && !unmade.has('vxlan')) {
    const { underlay: local, address, mac, vni, port, mtuBytes } = vxlan;
    tunnels.set(VXLAN_LINKS[family], { kind: 'vxlan', local, mac, vni, port, mtuBytes, addresses: [address], peers });
  }
  if (ipip !== undefined && !unmade.has('ipip')) {
    const { underlay: local, address, mtuBytes } = ipip;
    tunnels.set(IPIP_LINK, { kind: 'ipip', local, mtuBytes, addresses: address === undefined ? [] : [address] });
  }
  return tunnels;
}

function stateOf(own: FamilyRoutes, family: Family, { peers, routes, blackholes }: Part, unmade: Unmade): PathState {
  const links = linksOf(family, own);
  const paths = [...blackholes.map(nowhere), ...routes.flatMap((route) => tryPathOf(route, links, unmade) ?? [])];
  return {
    tunnels: tunnelsOf(own, family, peers, unmade),
    routes: new Map(paths.map((path) => [pathKey(path), path])),
    rules: [],
  };
}

/** All of it. */
export function computeClusterPaths(routes: ClusterRoutes, unmade: Unmade): PathState {
  const states = BOTH.map((family) => {
    const own = routes[family];
    const { peers, routes: ways, blackholes } = own;
    const part = { peers: [...peers.values()], routes: [...ways.values()], blackholes: [...blackholes.values()] };
    return stateOf(own, family, part, unmade);
  });
  return mergePaths(states);
}

function sideOf<T>(changes: readonly Change<T>[], side: 'before' | 'after'): readonly T[] {
  return changes.flatMap((change) => change[side] ?? []);
}

/** What was and what is of all that has changed, with the same tunnels. */
export function computeChangedPaths(
  routes: ClusterRoutes,
  changes: ClusterRouteChanges,
  unmade: Unmade,
): Readonly<Record<'before' | 'after', PathState>> {
  const state = (side: 'before' | 'after') =>
    mergePaths(
      BOTH.map((family) => {
        const { peers, routes: ways, blackholes } = changes[family];
        const part = {
          peers: sideOf(peers, side),
          routes: sideOf(ways, side),
          blackholes: sideOf(blackholes, side),
        };
        return stateOf(routes[family], family, part, unmade);
      }),
    );
  return { before: state('before'), after: state('after') };
}
