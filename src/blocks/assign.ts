// Giving out an address of a block: the one that has been free longest, or a certain one.
import type { Ip } from '../net/ip.ts';
import { type Attribute, attributeAt, type Block, ipAt, tryOrdinalOf } from './block.ts';

export type AssignOutcome =
  | { readonly kind: 'assigned'; readonly block: Block; readonly ip: Ip }
  /** The address is held, or cooling down since `holder.releasedAt`. */
  | { readonly kind: 'taken'; readonly holder: Attribute }
  | { readonly kind: 'outside' };

function sameStrings(a: Readonly<Record<string, string>> = {}, b: Readonly<Record<string, string>> = {}): boolean {
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => a[key] === b[key]);
}

function sameAttribute(a: Attribute, b: Attribute): boolean {
  return (
    a.handleId === b.handleId &&
    a.releasedAt === b.releasedAt &&
    sameStrings(a.secondary, b.secondary) &&
    sameStrings(a.alternateOwner, b.alternateOwner)
  );
}

/** The block with an attribute's index, appended when it is new. */
export function internAttribute(attributes: readonly Attribute[], wanted: Attribute): [readonly Attribute[], number] {
  const index = attributes.findIndex((attribute) => sameAttribute(attribute, wanted));
  return index < 0 ? [[...attributes, wanted], attributes.length] : [attributes, index];
}

function assignOrdinal(block: Block, ordinal: number, holder: Attribute): AssignOutcome {
  const [attributes, index] = internAttribute(block.attributes, holder);
  const assigned: Block = {
    ...block,
    attributes,
    allocations: block.allocations.with(ordinal, index),
    unallocated: block.unallocated.filter((free) => free !== ordinal),
    allocationSequence: new Map(block.allocationSequence).set(ordinal, block.sequenceNumber),
    sequenceNumber: block.sequenceNumber + 1n,
  };
  return { kind: 'assigned', block: assigned, ip: ipAt(block, ordinal) };
}

/**
 * The free address that comes first in the queue and is not reserved; undefined when there is none. Reserved ones keep
 * their place.
 */
export function assignNext(
  block: Block,
  holder: Attribute,
  isReserved: (ip: Ip) => boolean,
): { readonly block: Block; readonly ip: Ip } | undefined {
  const ordinal = block.unallocated.find((free) => !isReserved(ipAt(block, free)));
  if (ordinal === undefined) return undefined;
  const outcome = assignOrdinal(block, ordinal, holder);
  return outcome.kind === 'assigned' ? outcome : undefined;
}

/** One certain address, whether it is reserved or not. */
export function assignExact(block: Block, ip: Ip, holder: Attribute): AssignOutcome {
  const ordinal = tryOrdinalOf(block, ip);
  if (ordinal === undefined) return { kind: 'outside' };
  const present = attributeAt(block, ordinal);
  return present === undefined ? assignOrdinal(block, ordinal, holder) : { kind: 'taken', holder: present };
}
