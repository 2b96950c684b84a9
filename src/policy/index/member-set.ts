// The members of one IP set: who contributes what, and the changes to hand out.
import type { Cidr } from '../../net/cidr.ts';
import { bitsOf, familyOf, type Ip } from '../../net/ip.ts';
import { protocolName } from '../../net/protocol.ts';
import { formatSelector, uniqueId } from '../../selector/format.ts';
import type { Selector } from '../../selector/selector.ts';
import type { NamedPort } from '../types/input.ts';
import type { IpSetId, PolicyChange, RuleListId } from '../types/types.ts';
import {
  type CountedSet,
  createCountedSet,
  release,
  retain,
  type SetDelta,
  takeAll,
  takeChanges,
} from './counted-set.ts';
import { computeDisjoint, indexRanges, isCovered, type Ranges } from './disjoint.ts';
import { type IndexState, newIndexState } from './label-index.ts';
import { portKey, portMemberOf, type RangeKey, rangeKey, rangeOf } from './member-key.ts';
import type { SmallSet } from './small-set.ts';

/** What an endpoint or a network set gives to every set that it is in. */
export interface Contributor {
  readonly addresses: readonly Ip[];
  /** Ranges of two addresses or more, without host bits. */
  readonly ranges: readonly Cidr[];
  readonly ports: readonly NamedPort[];
  /** It may have any other address and port too. */
  readonly partial: boolean;
}

/** A named port; without a protocol it means all that have ports. */
export interface PortName {
  readonly name: string;
  readonly protocol: number | undefined;
}

/** Who names a set. */
export interface SetUser {
  readonly id: RuleListId;
}

export interface MemberSet {
  /** What tells it from other sets: the text of its selector and its port. */
  readonly key: string;
  readonly selector: Selector;
  readonly indexState: IndexState;
  /** Only the ports of this name, in place of the addresses. */
  readonly port: PortName | undefined;
  /** The hash part of its ids. */
  readonly hash: string;
  readonly addresses: CountedSet<Ip>;
  readonly ranges: CountedSet<RangeKey>;
  readonly ports: CountedSet<bigint>;
  /** How many may give it members that nobody knows. */
  unknownContributors: number;
  /** Whether it had unknown members when it was handed out. */
  publishedUnknown: boolean;
  /** Rule lists that name it. */
  users: SmallSet<SetUser>;
  /** The id under which it was handed out; undefined before. */
  publishedId: IpSetId | undefined;
  /** What was handed out of a set with ranges. */
  published: Set<RangeKey> | undefined;
}

/** What tells two sets apart. */
export function setKey(selector: Selector, port: PortName | undefined): string {
  const text = formatSelector(selector);
  return port === undefined ? text : `${text}\n${port.protocol ?? ''}\n${port.name}`;
}

/**
 * The hash of the selector, or of selector, protocol and port name (Calico v3.33, libcalico-go/lib/selector/parser/ast.go).
 */
function setHash(selector: Selector, port: PortName | undefined): string {
  const selectorId = uniqueId('s', formatSelector(selector));
  if (port === undefined) return selectorId.slice(2);
  const protocol = port.protocol === undefined ? '' : (protocolName(port.protocol) ?? String(port.protocol));
  return uniqueId('n', `${selectorId},${protocol.toLowerCase()},${port.name}`).slice(2);
}

export function createMemberSet(selector: Selector, port: PortName | undefined): MemberSet {
  return {
    key: setKey(selector, port),
    selector,
    indexState: newIndexState(),
    port,
    hash: setHash(selector, port),
    addresses: createCountedSet(),
    ranges: createCountedSet(),
    ports: createCountedSet(),
    unknownContributors: 0,
    publishedUnknown: false,
    users: undefined,
    publishedId: undefined,
    published: undefined,
  };
}

/** The id for its present content. */
export function memberSetId(set: MemberSet): IpSetId {
  if (set.port !== undefined) return `n:${set.hash}`;
  return set.ranges.members.size > 0 ? `r:${set.hash}` : `s:${set.hash}`;
}

/** Counts a contributor in (`retain`) or out (`release`). */
function count(set: MemberSet, contributor: Contributor, change: typeof retain): void {
  if (set.port === undefined) {
    for (const address of contributor.addresses) change(set.addresses, address);
    for (const { address, prefixLength } of contributor.ranges) change(set.ranges, rangeKey(address, prefixLength));
    return;
  }
  const { name, protocol } = set.port;
  for (const port of contributor.ports) {
    if (port.name !== name || (protocol !== undefined && port.protocol !== protocol)) continue;
    for (const address of contributor.addresses) change(set.ports, portKey({ ...port, address }));
  }
}

/** Counts in what a contributor gives; one that is not `certain` to belong to the set gives unknown members alone. */
export function contribute(set: MemberSet, contributor: Contributor, certain: boolean): void {
  if (certain) count(set, contributor, retain);
  if (!certain || contributor.partial) set.unknownContributors++;
}

/** Takes back what `contribute` counted in. */
export function withdraw(set: MemberSet, contributor: Contributor, certain: boolean): void {
  if (certain) count(set, contributor, release);
  if (!certain || contributor.partial) set.unknownContributors--;
}

/** Whether it may have members that nobody knows. */
export function hasUnknownMembers(set: MemberSet): boolean {
  return set.unknownContributors > 0;
}

export interface MemberSetChanges {
  /** `set-added` or `set-changed`; undefined when nothing changed. */
  readonly change: PolicyChange | undefined;
  /** The id that the set no longer has; undefined when it keeps its id or is new. */
  readonly formerId: IpSetId | undefined;
  /** Whether it came to have unknown members, or has none any more. */
  readonly unknownChanged: boolean;
}

/** What changed since the last time, which is now handed out. */
export function takeSetChanges(set: MemberSet): MemberSetChanges {
  const id = memberSetId(set);
  const formerId = set.publishedId === id ? undefined : set.publishedId;
  const isNew = set.publishedId !== id;
  const unknownChanged = set.publishedUnknown !== hasUnknownMembers(set);
  set.publishedId = id;
  set.publishedUnknown = hasUnknownMembers(set);
  return { change: takeContent(set, id, isNew), formerId, unknownChanged };
}

function takeContent(set: MemberSet, id: IpSetId, isNew: boolean): PolicyChange | undefined {
  if (set.port !== undefined) return takePorts(set, id, isNew);
  if (set.ranges.members.size > 0) return takeRanges(set, id, isNew);
  set.published = undefined;
  takeChanges(set.ranges);
  return takeAddresses(set, id, isNew);
}

function isEmpty(change: SetDelta<unknown>): boolean {
  return change.added.length + change.removed.length === 0;
}

function takeAddresses(set: MemberSet, id: IpSetId, isNew: boolean): PolicyChange | undefined {
  if (isNew) return { kind: 'set-added', id, type: 'address', members: takeAll(set.addresses) };
  const changes = takeChanges(set.addresses);
  return isEmpty(changes) ? undefined : { kind: 'set-changed', id, type: 'address', ...changes };
}

function takePorts(set: MemberSet, id: IpSetId, isNew: boolean): PolicyChange | undefined {
  if (isNew) return { kind: 'set-added', id, type: 'port', members: takeAll(set.ports).map(portMemberOf) };
  const changes = takeChanges(set.ports);
  if (isEmpty(changes)) return undefined;
  const [added, removed] = [changes.added.map(portMemberOf), changes.removed.map(portMemberOf)];
  return { kind: 'set-changed', id, type: 'port', added, removed };
}

/**
 * A changed range may cover or uncover any member, so then all are looked at again; changed addresses alone cost a few
 * lookups each.
 */
function takeRanges(set: MemberSet, id: IpSetId, isNew: boolean): PolicyChange | undefined {
  const changedRanges = takeChanges(set.ranges);
  const changedAddresses = takeChanges(set.addresses);
  const ranges = indexRanges(set.ranges.members);
  const before = set.published;
  if (isNew || before === undefined) {
    set.published = computeDisjoint(ranges, set.addresses.members);
    return { kind: 'set-added', id, type: 'cidr', members: Array.from(set.published, rangeOf) };
  }
  const changes = isEmpty(changedRanges)
    ? changePublished(before, ranges, changedAddresses)
    : replacePublished(set, before, computeDisjoint(ranges, set.addresses.members));
  if (isEmpty(changes)) return undefined;
  const [added, removed] = [changes.added.map(rangeOf), changes.removed.map(rangeOf)];
  return { kind: 'set-changed', id, type: 'cidr', added, removed };
}

function replacePublished(set: MemberSet, before: ReadonlySet<RangeKey>, after: Set<RangeKey>): SetDelta<RangeKey> {
  set.published = after;
  return { added: [...after].filter((key) => !before.has(key)), removed: [...before].filter((key) => !after.has(key)) };
}

function changePublished(published: Set<RangeKey>, ranges: Ranges, changed: SetDelta<Ip>): SetDelta<RangeKey> {
  const visibleKeys = (addresses: readonly Ip[]) =>
    addresses
      .filter((address) => !isCovered(ranges, address, bitsOf(familyOf(address))))
      .map((address) => rangeKey(address, bitsOf(familyOf(address))));
  const added = visibleKeys(changed.added);
  const removed = visibleKeys(changed.removed);
  for (const key of added) published.add(key);
  for (const key of removed) published.delete(key);
  return { added, removed };
}
