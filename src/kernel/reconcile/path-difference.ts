// What must change so that the ways to other hosts become one thing from being another: both in the kernel's terms, so that the one
// may be what the kernel was seen to have, or what it was last made to have.
import { sameContent } from '../../base/equal.ts';
import { formatCidr } from '../../net/cidr.ts';
import type { LinkAddress } from '../route/addresses.ts';
import { type ForwardingEntry, forwardingKey } from '../route/forwarding.ts';
import type { MarkRule } from '../route/mark-rules.ts';
import type { Neighbour } from '../route/neighbours.ts';
import { type Route, sameRoute, slotOf } from '../route/routes.ts';
import type { KernelPaths } from './kernel-paths.ts';

interface Change<T> {
  /** Whatever of the same key is there gives way. */
  readonly set: readonly T[];
  readonly removed: readonly T[];
}

export interface PathDifference {
  readonly routes: Change<Route> & {
    /** Where one of ours stands, so that no packet meets a moment without. */
    readonly replaced: readonly Route[];
  };
  readonly addresses: Change<LinkAddress>;
  readonly neighbours: Change<Neighbour>;
  readonly forwarding: Change<ForwardingEntry>;
  readonly rules: Change<MarkRule>;
}

function routeDifference(wanted: readonly Route[], there: readonly Route[]): PathDifference['routes'] {
  if (there.length === 0) return { set: wanted, replaced: [], removed: [] };
  const standing = Map.groupBy(there, slotOf);
  const kept = new Set<Route>();
  const [set, replaced]: [Route[], Route[]] = [[], []];
  for (const route of wanted) {
    const ours = standing.get(slotOf(route)) ?? [];
    const same = ours.find((other) => sameRoute(other, route));
    const stays = same ?? ours[0]; // the first is the one that gives way
    if (stays !== undefined) kept.add(stays);
    if (same === undefined) (stays === undefined ? set : replaced).push(route);
  }
  return { set, replaced, removed: there.filter((route) => !kept.has(route)) };
}

function keyedDifference<T>(
  wanted: readonly T[],
  there: readonly T[],
  keyOf: (value: T) => string,
  isSame: (a: T, b: T) => boolean,
): Change<T> {
  if (there.length === 0) return { set: wanted, removed: [] };
  const standing = new Map(there.map((value) => [keyOf(value), value]));
  const keys = new Set(wanted.map(keyOf));
  return {
    set: wanted.filter((value) => {
      const other = standing.get(keyOf(value));
      return other === undefined || !isSame(value, other);
    }),
    removed: there.filter((value) => !keys.has(keyOf(value))),
  };
}

/** Those that come and go by themselves are left, unless one is wanted to stay. */
function neighbourDifference(wanted: readonly Neighbour[], there: readonly Neighbour[]): Change<Neighbour> {
  const keyOf = ({ interfaceIndex, address }: Neighbour) => `${interfaceIndex} ${address}`;
  const isSame = (a: Neighbour, b: Neighbour) => a.mac === b.mac && a.permanent === b.permanent;
  return keyedDifference(
    wanted,
    there.filter(({ permanent }) => permanent),
    keyOf,
    isSame,
  );
}

/** An entry may lead to several hosts, each of which counts by itself. */
function forwardingDifference(
  wanted: readonly ForwardingEntry[],
  there: readonly ForwardingEntry[],
): Change<ForwardingEntry> {
  return keyedDifference(wanted, there, forwardingKey, (a, b) => a.permanent === b.permanent);
}

export function computePathDifference(wanted: KernelPaths, there: KernelPaths): PathDifference {
  const addressKey = ({ interfaceIndex, address }: LinkAddress) => `${interfaceIndex} ${formatCidr(address)}`;
  const ruleKey = ({ family, priority, table, mark, mask, isInverted }: MarkRule) =>
    [family, priority, table, mark, mask, isInverted].join(' ');
  return {
    routes: routeDifference(wanted.routes, there.routes),
    addresses: keyedDifference(wanted.addresses, there.addresses, addressKey, () => true),
    neighbours: neighbourDifference(wanted.neighbours, there.neighbours),
    forwarding: forwardingDifference(wanted.forwarding, there.forwarding),
    rules: keyedDifference(wanted.rules, there.rules, ruleKey, sameContent),
  };
}
