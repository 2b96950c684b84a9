// A pool as address assignment sees it: where its addresses are, and who may have them.
import { type IPPool, ipPool } from '../model/ipam/ip-pool.ts';
import { ipReservation } from '../model/ipam/ip-reservation.ts';
import { parseStoredText } from '../model/meta/stored.ts';
import { node } from '../model/node/node.ts';
import { type Cidr, cidrFamily, maskCidr, parseCidr, tryParseCidrOrIp } from '../net/cidr.ts';
import type { Family } from '../net/ip.ts';
import { membersOf } from '../schema/document.ts';
import { parseSelector } from '../selector/parse.ts';
import { SELECT_ALL, type Selector } from '../selector/selector.ts';

export type PoolUse = 'Workload' | 'Tunnel' | 'LoadBalancer';

export interface Pool {
  readonly name: string;
  readonly cidr: Cidr;
  readonly family: Family;
  /** Prefix length of its blocks. */
  readonly blockPrefixLength: number;
  /** Whether new addresses may be taken. */
  readonly enabled: boolean;
  readonly nodeSelector: Selector;
  readonly namespaceSelector: Selector;
  readonly allowedUses: readonly PoolUse[];
  /** False: used only when asked for by name or range. */
  readonly automatic: boolean;
  /** How packets travel to other hosts. */
  readonly encapsulation: 'none' | 'ipip' | 'vxlan';
}

function selectorOf(text: string | undefined): Selector {
  return text === undefined || text === '' ? SELECT_ALL : parseSelector(text);
}

/** Calico's controllers mark pools that must not be used for now with condition `Allocatable` = False. */
function isAllocatable({ status }: IPPool): boolean {
  return !(status?.conditions ?? []).some(({ type, status: held }) => type === 'Allocatable' && held === 'False');
}

function isBeingDeleted({ metadata }: IPPool): boolean {
  return membersOf(metadata)?.deletionTimestamp !== undefined;
}

/** From a stored IPPool. Throws `corrupt` when it breaks the rules of its kind. */
export function parsePool(name: string, text: string): Pool {
  const pool = parseStoredText(ipPool, { name }, text);
  const { spec } = pool;
  const cidr = parseCidr(spec.cidr);
  return {
    name,
    cidr,
    family: cidrFamily(cidr),
    blockPrefixLength: spec.blockSize,
    enabled:
      spec.disabled !== true && spec.blockSize >= cidr.prefixLength && !isBeingDeleted(pool) && isAllocatable(pool),
    nodeSelector: selectorOf(spec.nodeSelector),
    namespaceSelector: selectorOf(spec.namespaceSelector),
    allowedUses: spec.allowedUses,
    automatic: spec.assignmentMode === 'Automatic',
    encapsulation: spec.vxlanMode !== 'Never' ? 'vxlan' : spec.ipipMode !== 'Never' ? 'ipip' : 'none',
  };
}

/** Ranges that are given to nobody who does not ask for what is reserved. */
export interface Reservation {
  readonly name: string;
  readonly ranges: readonly Cidr[];
}

/** From a stored IPReservation. Throws `corrupt`. */
export function parseReservation(name: string, text: string): Reservation {
  const { reservedCIDRs = [] } = parseStoredText(ipReservation, { name }, text).spec;
  return { name, ranges: reservedCIDRs.flatMap((range) => tryParseCidrOrIp(range) ?? []).map(maskCidr) };
}

/** From a stored Node: the labels that pools' node selectors match. Throws `corrupt`. */
export function parseNodeLabels(name: string, text: string): ReadonlyMap<string, string> {
  return new Map(Object.entries(parseStoredText(node, { name }, text).metadata.labels ?? {}));
}
