// Renders the policy's IP sets into the table as they change. Single keys come and go as elements of a set of each family, which of
// IPv6 is there while it has any; ranges are a set that is named after them, as those that stand in rules are, so that other ranges
// are another set.
import { OcicatError } from '../base/errors.ts';
import type { Family } from '../net/ip.ts';
import type { RulesetEditor } from '../nftables/editor.ts';
import type { Bytes, SetSpec } from '../nftables/nft.ts';
import type { IpSetContent, IpSetDelta, IpSetId, IpSetType } from '../policy/types/types.ts';
import { contentOf, FAMILIES, ipSetSpec, type KeyedMember, keysOfMembers } from './ip-sets.ts';
import { MAX_BOXES_OF_SET, type Prefix, type RangesOfSet } from './merge/box.ts';
import { constantNets, type SetPart } from './parts.ts';

/** How rules ask for an IP set in one family: an address is in the set of single ones or in the ranges; ports are single. */
interface IpSetView {
  /** Undefined when it has none of IPv6. */
  readonly singles: SetSpec | undefined;
  /** Undefined when it has no ranges. */
  readonly ranges: SetPart | undefined;
}

/** For a rule that comes into the table. Throws `internal` for a set that is not there. */
export type ViewOfSet = (id: IpSetId, family: Family) => IpSetView;

/** What rules that ask for the set must follow. */
interface SetChange {
  /** Its ranges are others now, and have another name; or its first single address of IPv6 has come, or the last one gone. */
  readonly isAskedOtherwise: boolean;
  /** It is so small, or was, that rules may have its members instead of itself. */
  readonly isSmall: boolean;
}

export interface SetRenderer {
  add(id: IpSetId, content: IpSetContent): void;
  change(id: IpSetId, delta: IpSetDelta): SetChange;
  remove(id: IpSetId): void;
  /** Takes those of the names out of the table until a rule asks for them again; returns the names of those that are its own. */
  leaveOut(names: ReadonlySet<string>): readonly string[];
  readonly viewOf: ViewOfSet;
  readonly rangesOf: RangesOfSet;
}

interface RenderedSet {
  readonly family: Family;
  readonly singles: SetSpec;
  /** The single keys of one that the table is to be without. */
  leftOut: Set<Bytes> | undefined;
  readonly rangeKeys: Set<Bytes>;
  /** Made from the keys when first asked for. */
  ranges: SetPart | undefined;
}

function prefixOfRange(key: Bytes): Prefix {
  const [first, last] = [key.slice(0, key.length / 2), key.slice(key.length / 2)];
  let length = 0;
  const differs = (bit: number) =>
    ((first.charCodeAt(bit >> 3) ^ last.charCodeAt(bit >> 3)) & (128 >> (bit & 7))) !== 0;
  while (length < first.length * 8 && !differs(length)) length++;
  return { value: first, length };
}

export function createSetRenderer(editor: RulesetEditor): SetRenderer {
  const sets = new Map<IpSetId, Readonly<Record<Family, RenderedSet>>>();

  function mustHave(id: IpSetId): Readonly<Record<Family, RenderedSet>> {
    const set = sets.get(id);
    if (set === undefined) throw new OcicatError('internal', `use IP set "${id}": it was not handed out`);
    return set;
  }

  function createSet(id: IpSetId, type: IpSetType, family: Family): RenderedSet {
    const singles = ipSetSpec(id, type, family);
    if (family === 4) editor.addSet(singles);
    return { family, singles, leftOut: undefined, rangeKeys: new Set(), ranges: undefined };
  }

  function addressesOf({ singles, leftOut }: RenderedSet): Pick<ReadonlySet<Bytes>, 'size' | 'keys'> {
    return leftOut ?? editor.ruleset.sets.get(singles.name)?.elements ?? new Set<Bytes>();
  }

  function isSmall(set: RenderedSet): boolean {
    return addressesOf(set).size + set.rangeKeys.size <= MAX_BOXES_OF_SET;
  }

  function addMember({ singles, leftOut, rangeKeys }: RenderedSet, { key, isRange }: KeyedMember): void {
    if (isRange) rangeKeys.add(key);
    else if (leftOut !== undefined) leftOut.add(key);
    else {
      editor.addSet(singles);
      editor.setElement(singles.name, key);
    }
  }

  function removeMember({ singles, leftOut, rangeKeys }: RenderedSet, { key, isRange }: KeyedMember): void {
    if (isRange) rangeKeys.delete(key);
    else if (leftOut !== undefined) leftOut.delete(key);
    else editor.removeElement(singles.name, key);
  }

  /** Most clusters have no address of IPv6: without the sets, and the rules that ask for them, they have half as many. */
  function hasSingles(set: RenderedSet): boolean {
    return set.family === 4 || addressesOf(set).size > 0;
  }

  function takeIn(set: RenderedSet): void {
    const { singles, leftOut } = set;
    if (leftOut === undefined) return;
    set.leftOut = undefined;
    if (set.family === 4) editor.addSet(singles);
    for (const key of leftOut) addMember(set, { family: set.family, key, isRange: false });
  }

  return {
    add(id, content) {
      const both = { 4: createSet(id, content.type, 4), 6: createSet(id, content.type, 6) };
      sets.set(id, both);
      for (const member of keysOfMembers(content)) addMember(both[member.family], member);
    },
    change(id, delta) {
      const both = mustHave(id);
      const [removed, added] = [keysOfMembers(contentOf(delta, 'removed')), keysOfMembers(contentOf(delta, 'added'))];
      const families = [...new Set([...removed, ...added].map(({ family }) => both[family]))];
      const [wasSmall, had] = [families.some(isSmall), families.map(hasSingles)];
      for (const member of removed) removeMember(both[member.family], member);
      for (const member of added) addMember(both[member.family], member);
      for (const set of families) if (!hasSingles(set)) editor.removeSet(set.singles.name);
      const touched = [...removed, ...added].filter(({ isRange }) => isRange);
      for (const { family } of touched) both[family].ranges = undefined;
      const isAskedOtherwise = touched.length > 0 || families.some((set, at) => hasSingles(set) !== had[at]);
      return { isAskedOtherwise, isSmall: wasSmall || families.some(isSmall) };
    },
    remove(id) {
      const both = mustHave(id);
      for (const family of FAMILIES) editor.removeSet(both[family].singles.name);
      sets.delete(id);
    },
    leaveOut(names) {
      const all = [...sets.values()].flatMap((both) => FAMILIES.map((family) => both[family]));
      const meant = all.filter(({ singles, leftOut }) => names.has(singles.name) && leftOut === undefined);
      for (const set of meant) {
        set.leftOut = new Set(addressesOf(set).keys());
        editor.removeSet(set.singles.name);
      }
      return meant.map(({ singles }) => singles.name);
    },
    rangesOf(id, family) {
      const set = mustHave(id)[family];
      if (!isSmall(set)) return undefined;
      const whole = [...addressesOf(set).keys()].map((value): Prefix => ({ value, length: value.length * 8 }));
      return [...whole, ...[...set.rangeKeys].map(prefixOfRange)];
    },
    viewOf(id, family) {
      const set = mustHave(id)[family];
      takeIn(set);
      if (set.rangeKeys.size > 0) set.ranges ??= constantNets(family, [...set.rangeKeys].sort());
      return { singles: hasSingles(set) ? set.singles : undefined, ranges: set.ranges };
    },
  };
}
