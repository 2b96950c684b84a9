// Who is where in the cluster becomes ways to there, in both families.
import type { Cidr } from '../net/cidr.ts';
import type { Family } from '../net/ip.ts';
import { type Claim, claimsOf } from './claims.ts';
import type { BlockHolders, NodeEnds, RouteSettings } from './cluster-input.ts';
import type { ClusterRouteChanges, ClusterRoutes } from './cluster-routes.ts';
import { createFamilyCalculation } from './family-routes.ts';
import type { RoutingPool } from './input.ts';
import { isOf } from './ways.ts';

const BOTH = [4, 6] as const;

export interface RouteCalculation {
  /** Undefined: the node is gone. */
  setNode(name: string, ends: NodeEnds | undefined): void;
  /** All of them. */
  setPools(pools: readonly RoutingPool[]): void;
  setSettings(settings: RouteSettings): void;
  /** By the block's range in text; undefined: it is gone, or cannot be read. */
  setBlock(name: string, holders: BlockHolders | undefined): void;
  /** The blocks that are this host's own. */
  setOwnBlocks(blocks: readonly Cidr[]): void;
  readonly routes: ClusterRoutes;
  /** Which ranges are on which node, this one among them. */
  claims(family: Family): readonly Claim[];
  /** Everything set since the last call becomes part of `routes`; returns what is other by it. */
  settle(): ClusterRouteChanges;
}

/** Nothing is known at first: no routes. */
export function createRouteCalculation(nodeName: string): RouteCalculation {
  const families = { 4: createFamilyCalculation(nodeName), 6: createFamilyCalculation(nodeName) };
  return {
    setNode(name, ends) {
      for (const family of BOTH) families[family].setNode(name, ends?.[family]);
    },
    setPools(pools) {
      for (const family of BOTH) families[family].setPools(pools.filter(({ cidr }) => isOf(family, cidr)));
    },
    setSettings(settings) {
      for (const family of BOTH) families[family].setSettings(settings);
    },
    setBlock(name, holders) {
      const claims = holders === undefined ? [] : claimsOf(name, holders);
      for (const family of BOTH)
        families[family].setClaims(
          name,
          claims.filter(({ destination }) => isOf(family, destination)),
        );
    },
    setOwnBlocks(blocks) {
      for (const family of BOTH) families[family].setOwnBlocks(blocks.filter((cidr) => isOf(family, cidr)));
    },
    routes: { 4: families[4].routes, 6: families[6].routes },
    claims: (family) => families[family].claims(),
    settle: () => ({ 4: families[4].settle(), 6: families[6].settle() }),
  };
}
