// One request for addresses on its way through a transaction, and what every way of serving it shares.
import type { Attribute } from '../blocks/block.ts';
import { printKey } from '../datastore/keys.ts';
import type { Cidr } from '../net/cidr.ts';
import type { Family, Ip } from '../net/ip.ts';
import { countInHandle, parseHandle, printHandle } from './handle.ts';
import type { IpamContext } from './own-block.ts';
import type { Pool, PoolUse } from './pool.ts';

export interface AssignRequest {
  /** Who holds the addresses; all of them are released by this name. */
  readonly handleId: string;
  /** Attributes kept with the addresses, such as `node` and `timestamp`. */
  readonly attributes: Readonly<Record<string, string>>;
  readonly use: PoolUse;
  /** One address of each that `exact` has none of. */
  readonly families: readonly Family[];
  /** These very addresses. */
  readonly exact?: readonly Ip[];
  /** Whether `exact` may be reserved ones. Default: no. */
  readonly allowsReserved?: boolean;
  /** Ranges or names of pools; empty or absent: those that select this node. */
  readonly ipv4Pools?: readonly string[];
  readonly ipv6Pools?: readonly string[];
  /** Encapsulations of pools that this host's kernel does not have. */
  readonly unmade?: ReadonlySet<Pool['encapsulation']>;
  /**
   * Which addresses that are already held under the handle count as this request's, given again instead of taking more.
   * Default: all of them.
   */
  readonly isSame?: (attributes: Readonly<Record<string, string>>, ip: Ip) => boolean;
}

export interface Assigned {
  readonly ip: Ip;
  /** Prefix length of the block that it is from; 32 or 128 when it was asked for by itself. */
  readonly prefixLength: number;
}

export function handleKey(handleId: string): string {
  return printKey({ kind: 'handle', handleId });
}

/** What one assignment works with, so that each step has one argument more at most. */
export interface AssignContext extends IpamContext {
  readonly request: AssignRequest;
  readonly holder: Attribute;
  /** Ranges of all reservations. */
  readonly reservations: readonly Cidr[];
}

/** One more address of the block under the request's handle. */
export async function countAddress({ builder, request }: AssignContext, cidr: string): Promise<void> {
  const key = handleKey(request.handleId);
  builder.put(key, printHandle(countInHandle(parseHandle(await builder.getLikelyAbsent(key)), cidr, 1)));
}
