// Taking addresses of a block back: under preconditions, through a cool-down, and at last to the end of the queue of free ones.
import type { Ip } from '../net/ip.ts';
import { internAttribute } from './assign.ts';
import { type Attribute, attributeAt, type Block, heldOrdinals, ipAt, printTime, tryOrdinalOf } from './block.ts';

/** An address to take back; the preconditions, when set, must still hold. */
export interface ReleaseRequest {
  readonly ip: Ip;
  readonly handleId?: string | undefined;
  /** 0 is that of an address without one. */
  readonly sequenceNumber?: bigint | undefined;
}

export interface ReleaseClock {
  readonly nowMs: number;
  /** 0 to 1,200: how long an address rests before it may be assigned again. */
  readonly cooldownSeconds: number;
}

export interface Released {
  readonly ip: Ip;
  readonly holder: Attribute;
}

export type ReleaseOutcome =
  | {
      readonly kind: 'released';
      readonly block: Block;
      readonly released: readonly Released[];
      /** Asked for, but nobody held them. */
      readonly unallocated: readonly Ip[];
    }
  /** A precondition does not hold any more; nothing was released. */
  | { readonly kind: 'conflict'; readonly ip: Ip; readonly reason: 'bad sequence number' | 'bad handle' };

function isCooled(attribute: Attribute, clock: ReleaseClock): boolean {
  if (attribute.releasedAt === undefined) return false;
  const restedMs = Math.floor(clock.nowMs / 1000) * 1000 - Date.parse(attribute.releasedAt);
  return Number.isNaN(restedMs) || restedMs >= clock.cooldownSeconds * 1000;
}

/** Drops attributes that no ordinal uses and renumbers the rest. */
function compactAttributes(block: Block): Block {
  const used = new Set(block.allocations);
  const kept = [...block.attributes.keys()].filter((index) => used.has(index));
  const places = new Map(kept.map((old, place) => [old, place]));
  return {
    ...block,
    attributes: kept.flatMap((index) => block.attributes[index] ?? []),
    allocations: block.allocations.map((index) => (index === undefined ? undefined : places.get(index))),
  };
}

/** Frees every address whose cool-down is over. The sequence number stays: this rides on another change's write. */
export function collectCooled(block: Block, clock: ReleaseClock): Block {
  const cooled = [...block.allocations.keys()].filter((ordinal) => {
    const attribute = attributeAt(block, ordinal);
    return attribute !== undefined && isCooled(attribute, clock);
  });
  if (cooled.length === 0) return block;
  const freed = new Set(cooled);
  return compactAttributes({
    ...block,
    allocations: block.allocations.map((index, ordinal) => (freed.has(ordinal) ? undefined : index)),
    unallocated: [...block.unallocated, ...cooled],
    allocationSequence: new Map([...block.allocationSequence].filter(([ordinal]) => !freed.has(ordinal))),
  });
}

/** Marks ordinals as released now. */
function startCooling(block: Block, ordinals: readonly number[], clock: ReleaseClock): Block {
  const [attributes, index] = internAttribute(block.attributes, { releasedAt: printTime(clock.nowMs) });
  const going = new Set(ordinals);
  const sequences = new Map(block.allocationSequence);
  for (const ordinal of ordinals) sequences.set(ordinal, block.sequenceNumber);
  return {
    ...block,
    attributes,
    allocations: block.allocations.map((old, ordinal) => (going.has(ordinal) ? index : old)),
    allocationSequence: sequences,
    sequenceNumber: block.sequenceNumber + 1n,
  };
}

function failedPrecondition(block: Block, ordinal: number, holder: Attribute, request: ReleaseRequest) {
  const sequence = block.allocationSequence.get(ordinal) ?? 0n;
  if (request.sequenceNumber !== undefined && sequence !== request.sequenceNumber) return 'bad sequence number';
  return request.handleId !== undefined && holder.handleId !== request.handleId ? 'bad handle' : undefined;
}

/** All or nothing. When nobody holds any of them the block comes back as it was. */
export function releaseAddresses(
  block: Block,
  requests: readonly ReleaseRequest[],
  clock: ReleaseClock,
): ReleaseOutcome {
  const ordinals = new Map<number, Attribute>();
  const unallocated: Ip[] = [];
  for (const request of requests) {
    const ordinal = tryOrdinalOf(block, request.ip);
    const holder = ordinal === undefined ? undefined : attributeAt(block, ordinal);
    if (ordinal === undefined || holder === undefined || holder.releasedAt !== undefined) {
      unallocated.push(request.ip);
      continue;
    }
    const reason = failedPrecondition(block, ordinal, holder, request);
    if (reason !== undefined) return { kind: 'conflict', ip: request.ip, reason };
    ordinals.set(ordinal, holder);
  }
  const released = [...ordinals].map(([ordinal, holder]) => ({ ip: ipAt(block, ordinal), holder }));
  const after = ordinals.size === 0 ? block : collectCooled(startCooling(block, [...ordinals.keys()], clock), clock);
  return { kind: 'released', block: after, released, unallocated };
}

/** Every address that somebody holds, in order, with its holder. */
export function heldAddresses(block: Block): readonly Released[] {
  return heldOrdinals(block).flatMap((ordinal) => {
    const holder = attributeAt(block, ordinal);
    return holder === undefined ? [] : [{ ip: ipAt(block, ordinal), holder }];
  });
}

/** Addresses held under a handle, in order. */
export function addressesOfHandle(block: Block, handleId: string): readonly Released[] {
  return heldAddresses(block).filter(({ holder }) => holder.handleId === handleId);
}
