// Which node each range of addresses is on, by what the blocks say.
import { sameContent } from '../base/equal.ts';
import { type Cidr, formatCidr, hostCidr, isHostCidr } from '../net/cidr.ts';
import type { BlockHolders } from './cluster-input.ts';

/** A range that is on a node, by what one block says. */
export interface Claim {
  /** The block's range, in text. */
  readonly block: string;
  readonly destination: Cidr;
  readonly node: string;
}

/** A single address that is borrowed says more than the block of one that it is. */
export function claimsOf(block: string, { cidr, node, borrowed }: BlockHolders): readonly Claim[] {
  const single = borrowed.map(({ ip, node: holder }) => ({ block, destination: hostCidr(ip), node: holder }));
  const isWhole = node !== undefined && !(isHostCidr(cidr) && borrowed.length > 0);
  return isWhole ? [{ block, destination: cidr, node }, ...single] : single;
}

function append<V>(lists: Map<string, readonly V[]>, key: string, value: V): void {
  lists.set(key, [...(lists.get(key) ?? []), value]);
}

function withdraw<V>(lists: Map<string, readonly V[]>, key: string, isMeant: (value: V) => boolean): void {
  const rest = (lists.get(key) ?? []).filter((value) => !isMeant(value));
  if (rest.length === 0) lists.delete(key);
  else lists.set(key, rest);
}

export interface Claims {
  /** Takes the place of what the block has said; returns the destinations, in text, of which something may be other now. */
  set(block: string, claims: readonly Claim[]): readonly string[];
  /** Of several blocks that claim it the one whose range sorts first counts. */
  at(destination: string): Claim | undefined;
  /** Destinations, in text, that a block says are on the node. */
  of(node: string): readonly string[];
  destinations(): Iterable<string>;
}

export function createClaims(): Claims {
  const blocks = new Map<string, readonly Claim[]>();
  const byDestination = new Map<string, readonly Claim[]>();
  const byNode = new Map<string, readonly string[]>();

  function remove(block: string, { destination, node }: Claim): string {
    const key = formatCidr(destination);
    withdraw(byDestination, key, (claim) => claim.block === block);
    withdraw(byNode, node, (one) => one === key);
    return key;
  }

  function add(claim: Claim): string {
    const key = formatCidr(claim.destination);
    append(byDestination, key, claim);
    append(byNode, claim.node, key);
    return key;
  }

  return {
    set(block, claims) {
      const before = blocks.get(block) ?? [];
      if (sameContent(before, claims)) return [];
      const left = before.map((claim) => remove(block, claim));
      if (claims.length === 0) blocks.delete(block);
      else blocks.set(block, claims);
      return [...left, ...claims.map(add)];
    },
    at: (destination) =>
      byDestination.get(destination)?.reduce((first, claim) => (claim.block < first.block ? claim : first)),
    of: (node) => byNode.get(node) ?? [],
    destinations: () => byDestination.keys(),
  };
}
