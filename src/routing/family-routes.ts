// The ways to the addresses of other hosts in one family. Follows changes one by one: what a node or a block changes costs what
// hangs on it, and nothing else.
import { sameContent } from '../base/equal.ts';
import { type Cidr, cidrCovers, formatCidr, isHostCidr } from '../net/cidr.ts';
import { type Claim, createClaims } from './claims.ts';
import type { NodeEnd, RouteSettings } from './cluster-input.ts';
import type { Change, ClusterRoute, FamilyRouteChanges, FamilyRoutes, VxlanPeer } from './cluster-routes.ts';
import type { RoutingPool } from './input.ts';
import { computeOwnEnds, computePeer, computeWay, makesRoutes, NO_ENDS } from './ways.ts';

export interface FamilyCalculation {
  setNode(name: string, end: NodeEnd | undefined): void;
  setPools(pools: readonly RoutingPool[]): void;
  setSettings(settings: RouteSettings): void;
  setClaims(block: string, claims: readonly Claim[]): void;
  setOwnBlocks(blocks: readonly Cidr[]): void;
  readonly routes: FamilyRoutes;
  /** Which ranges are on which node, this one among them. */
  claims(): readonly Claim[];
  settle(): FamilyRouteChanges;
}

/** Puts what is wanted at a key; returns the change, if it is one. */
function put<V>(map: Map<string, V>, key: string, after: V | undefined): readonly Change<V>[] {
  const before = map.get(key);
  if (sameContent(before, after)) return [];
  if (after === undefined) map.delete(key);
  else map.set(key, after);
  return [{ before, after }];
}

/** What is to be looked at: some nodes and destinations, or all. */
function createStale() {
  const nodes = new Set<string>();
  const destinations = new Set<string>();
  let isAll = true;
  return {
    nodes,
    destinations,
    all() {
      isAll = true;
    },
    takeAll(): boolean {
      const was = isAll;
      isAll = false;
      return was;
    },
    clear() {
      nodes.clear();
      destinations.clear();
    },
  };
}

export function createFamilyCalculation(nodeName: string): FamilyCalculation {
  const nodes = new Map<string, NodeEnd>();
  const claims = createClaims();
  const stale = createStale();
  let pools: readonly RoutingPool[] = [];
  let settings: RouteSettings | undefined;
  let ownBlocks: readonly Cidr[] = [];

  let own = NO_ENDS;
  const peers = new Map<string, VxlanPeer>();
  const routes = new Map<string, ClusterRoute>();
  const blackholes = new Map<string, Cidr>();

  /** The pool of an address whose routes are made here. */
  function poolOf(destination: Cidr): RoutingPool | undefined {
    const pool = pools.find(({ cidr }) => cidrCovers(cidr, destination));
    return pool !== undefined && settings !== undefined && makesRoutes(settings, pool) ? pool : undefined;
  }

  function peerOf(node: string): VxlanPeer | undefined {
    const end = node === nodeName ? undefined : nodes.get(node);
    return end && computePeer(own, node, end);
  }

  function routeTo(key: string): ClusterRoute | undefined {
    const claim = claims.at(key);
    if (claim === undefined || claim.node === nodeName) return undefined;
    const { destination, node } = claim;
    const [pool, end] = [poolOf(destination), nodes.get(node)];
    const way = pool && end && computeWay(own, pool, end, peers.get(node));
    return way && { destination, way };
  }

  function wantedBlackholes(): ReadonlyMap<string, Cidr> {
    const isWanted = (cidr: Cidr) => own.underlay !== undefined && !isHostCidr(cidr) && poolOf(cidr) !== undefined;
    return new Map(ownBlocks.filter(isWanted).map((cidr) => [formatCidr(cidr), cidr]));
  }

  function settleOwn(): boolean {
    const before = own;
    own = settings === undefined ? NO_ENDS : computeOwnEnds(nodes.get(nodeName), settings, pools);
    return !sameContent(before, own);
  }

  function staleNodes(isAll: boolean): readonly string[] {
    return isAll ? [...new Set([...nodes.keys(), ...peers.keys()])] : [...stale.nodes];
  }

  function staleDestinations(isAll: boolean): readonly string[] {
    if (isAll) return [...new Set([...claims.destinations(), ...routes.keys()])];
    return [...new Set([...stale.destinations, ...[...stale.nodes].flatMap(claims.of)])];
  }

  return {
    setNode(name, end) {
      if (sameContent(nodes.get(name), end)) return;
      if (end === undefined) nodes.delete(name);
      else nodes.set(name, end);
      if (name === nodeName) stale.all();
      else stale.nodes.add(name);
    },
    setPools(next) {
      if (sameContent(pools, next)) return;
      pools = next;
      stale.all();
    },
    setSettings(next) {
      if (sameContent(settings, next)) return;
      settings = next;
      stale.all();
    },
    setClaims(block, next) {
      for (const destination of claims.set(block, next)) stale.destinations.add(destination);
    },
    setOwnBlocks(next) {
      ownBlocks = next;
    },
    routes: {
      get underlay() {
        return own.underlay;
      },
      get vxlan() {
        return own.vxlan;
      },
      get ipip() {
        return own.ipip;
      },
      ...{ peers, routes, blackholes },
    },
    claims: () => [...claims.destinations()].flatMap((destination) => claims.at(destination) ?? []),
    settle() {
      const isOwnChanged = settleOwn();
      const isAll = stale.takeAll();
      const changedPeers = staleNodes(isAll).flatMap((node) => put(peers, node, peerOf(node)));
      const changedRoutes = staleDestinations(isAll).flatMap((key) => put(routes, key, routeTo(key)));
      stale.clear();
      const wanted = wantedBlackholes();
      const keys = new Set([...wanted.keys(), ...blackholes.keys()]);
      const changedBlackholes = [...keys].flatMap((key) => put(blackholes, key, wanted.get(key)));
      return { isOwnChanged, peers: changedPeers, routes: changedRoutes, blackholes: changedBlackholes };
    },
  };
}
