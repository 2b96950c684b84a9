// One IPAM block as a value: a range of addresses, who prefers it, and which of its addresses are held by whom.
import { type Cidr, cidrSize, networkOf } from '../net/cidr.ts';
import { addToIp, type Ip, isIpv4 } from '../net/ip.ts';

/** What is known about the holder of an address. Addresses that share all of it share one attribute. */
export interface Attribute {
  readonly handleId?: string | undefined;
  /** Attributes of the holder: `node`, `timestamp`, `type` … */
  readonly secondary?: Readonly<Record<string, string>> | undefined;
  /** Kept as found; only Calico's virtual machines write it. */
  readonly alternateOwner?: Readonly<Record<string, string>> | undefined;
  /** RFC 3339 time of release of an address that is cooling down; nobody holds it any more. */
  readonly releasedAt?: string | undefined;
}

/**
 * An ordinal is an address's place in the block, from 0. All of them can be assigned, the first and the last too.
 * Invariant: every ordinal is either in `unallocated` or has an index into `attributes` in `allocations`.
 */
export interface Block {
  readonly cidr: Cidr;
  /** `host:NAME` or `virtual:NAME`; undefined when nobody prefers the block. */
  readonly affinity: string | undefined;
  /** RFC 3339, to the second. */
  readonly affinityClaimTime: string | undefined;
  readonly allocations: readonly (number | undefined)[];
  /** First in, first out: what was freed last is assigned last. */
  readonly unallocated: readonly number[];
  readonly attributes: readonly Attribute[];
  /** Grows by one with every write; starts from the clock in nanoseconds. */
  readonly sequenceNumber: bigint;
  /** The block's sequence number when the ordinal was last assigned or released; only for ordinals not in `unallocated`. */
  readonly allocationSequence: ReadonlyMap<number, bigint>;
  readonly deleted: boolean;
  /** Kept as found in blocks of old releases. */
  readonly hostAffinity: string | undefined;
}

/** RFC 3339 in UTC to the second, as Go prints metav1.Time. */
export function printTime(timeMs: number): string {
  return `${new Date(timeMs).toISOString().slice(0, 19)}Z`;
}

/** The affinity text of a host. */
export function affinityOf(host: string): string {
  return `host:${host}`;
}

/** An empty block that `host` has just claimed. */
export function createBlock(cidr: Cidr, host: string, nowMs: number): Block {
  const size = cidrSize(cidr);
  return {
    cidr,
    affinity: affinityOf(host),
    affinityClaimTime: printTime(nowMs),
    allocations: new Array<undefined>(size).fill(undefined),
    unallocated: Array.from({ length: size }, (_, ordinal) => ordinal),
    attributes: [],
    sequenceNumber: BigInt(Math.trunc(nowMs)) * 1_000_000n,
    allocationSequence: new Map(),
    deleted: false,
    hostAffinity: undefined,
  };
}

/** The range of `prefixLength` that an address lies in. */
export function blockCidrOf(ip: Ip, prefixLength: number): Cidr {
  return { address: networkOf(ip, prefixLength), prefixLength };
}

export function ipAt(block: Block, ordinal: number): Ip {
  return addToIp(block.cidr.address, ordinal);
}

/** The address's ordinal, or undefined when it is not in the block. */
export function tryOrdinalOf(block: Block, ip: Ip): number | undefined {
  if (isIpv4(ip) !== isIpv4(block.cidr.address)) return undefined;
  const offset = isIpv4(ip) ? ip - Number(block.cidr.address) : Number(ip - BigInt(block.cidr.address));
  return offset >= 0 && offset < block.allocations.length ? offset : undefined;
}

/** What is recorded for an ordinal, cooling down or held; undefined when it is free. */
export function attributeAt(block: Block, ordinal: number): Attribute | undefined {
  const index = block.allocations[ordinal];
  return index === undefined ? undefined : block.attributes[index];
}

/** Ordinals that somebody holds, in order: not the free ones, not the cooling ones. */
export function heldOrdinals(block: Block): readonly number[] {
  return [...block.allocations.keys()].filter((ordinal) => {
    const attribute = attributeAt(block, ordinal);
    return attribute !== undefined && attribute.releasedAt === undefined;
  });
}

/** Whether every address is free; one that still cools down is not. */
export function isEmpty(block: Block): boolean {
  return block.unallocated.length === block.allocations.length;
}

export interface BlockUsage {
  readonly capacity: number;
  readonly inUse: number;
  /** Free or cooling down, but reserved. */
  readonly reserved: number;
  readonly coolingDown: number;
  /** Free and not reserved. */
  readonly available: number;
}

export function computeUsage(block: Block, isReserved: (ip: Ip) => boolean): BlockUsage {
  const capacity = block.allocations.length;
  const inUse = heldOrdinals(block).length;
  const available = block.unallocated.filter((ordinal) => !isReserved(ipAt(block, ordinal))).length;
  const coolingDown = capacity - inUse - block.unallocated.length;
  return { capacity, inUse, reserved: block.unallocated.length - available, coolingDown, available };
}
