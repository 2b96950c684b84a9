// The names of the chains and sets that translate addresses.
import { shortHash } from '../../base/hash.ts';
import { type Family, formatIp, type Ip } from '../../net/ip.ts';

/** 96 bits: no two names of a node will meet. */
const HASH_LENGTH = 16;

/** Ranges whose packets leave with the host's address. */
export function masqueradeSet(family: Family): string {
  return `nat-sources${family}`;
}

/** Ranges that packets reach with their own source address. */
export function directSet(family: Family): string {
  return `nat-direct${family}`;
}

/** Verdict map: a floating address to the chain that translates it. */
export function floatingMap(family: Family): string {
  return `floating-addresses${family}`;
}

/** Verdict map: an endpoint's address as source and destination to the chain that gives it its floating address as source. */
export function hairpinMap(family: Family): string {
  return `floating-hairpins${family}`;
}

export function floatingChain(what: 'to' | 'as', address: Ip): string {
  return `floating-${what}-${shortHash(formatIp(address), HASH_LENGTH)}`;
}

/**
 * Maps from ports of the host to the endpoints that they lead to. `port`: each to an address and port; `range`: many to an
 * address, the port stays. `at`: of one address of the host's.
 */
export type PortMapKind = 'port' | 'port-at' | 'range' | 'range-at';

export function portMap(kind: PortMapKind, family: Family): string {
  return `mapped-${kind}${family}`;
}
