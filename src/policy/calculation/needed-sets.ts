// The IP sets that rule lists need: a set lives from the first list that names it to the last.
import type { Selector } from '../../selector/selector.ts';
import {
  createMemberSet,
  type MemberSet,
  type PortName,
  type SetUser,
  setKey,
  takeSetChanges,
} from '../index/member-set.ts';
import { createPending } from '../index/pending.ts';
import { addToSmallSet, removeFromSmallSet, smallSetItems } from '../index/small-set.ts';
import type { PolicyChange, RuleListId } from '../types/types.ts';

/** Where sets get their members from once they are needed: an open set has them and follows every change. */
export interface MemberSource {
  open(sets: readonly MemberSet[]): void;
  close(set: MemberSet): void;
}

interface SetChanges {
  readonly changed: readonly PolicyChange[];
  readonly removed: readonly PolicyChange[];
  /** Users of sets that have another id now, or whose unknown members came or went. */
  readonly outdated: ReadonlySet<RuleListId>;
}

export interface NeededSets {
  /** What a selector matches, or a named port of it; a new set that nobody retains is forgotten with the next changes. */
  find(selector: Selector, port: PortName | undefined): MemberSet;
  retain(set: MemberSet, user: SetUser): void;
  release(set: MemberSet, user: SetUser): void;
  /** A member of the set came or went. */
  touch(set: MemberSet): void;
  /** What changed since the last time. */
  takeChanges(): SetChanges;
}

export function createNeededSets(members: MemberSource): NeededSets {
  const sets = new Map<string, MemberSet>();
  const fresh = createPending<MemberSet>();
  const idle = createPending<MemberSet>();
  const touched = createPending<MemberSet>();

  function openFresh(): void {
    const opening: MemberSet[] = [];
    for (const set of fresh.take()) {
      if (set.users === undefined) sets.delete(set.key);
      else opening.push(set);
    }
    for (const set of opening) touched.add(set);
    if (opening.length > 0) members.open(opening);
  }

  function closeIdle(): readonly PolicyChange[] {
    const removed: PolicyChange[] = [];
    for (const set of idle.take()) {
      if (set.users !== undefined || set.publishedId === undefined) continue;
      members.close(set);
      sets.delete(set.key);
      touched.delete(set);
      removed.push({ kind: 'set-removed', id: set.publishedId });
    }
    return removed;
  }

  /** A set that changes its id leaves the former one to be removed. */
  function takeTouched(): SetChanges {
    const changed: PolicyChange[] = [];
    const removed: PolicyChange[] = [];
    const outdated = new Set<RuleListId>();
    for (const set of touched.take()) {
      const { change, formerId, unknownChanged } = takeSetChanges(set);
      if (change !== undefined) changed.push(change);
      if (formerId !== undefined) removed.push({ kind: 'set-removed', id: formerId });
      if (formerId === undefined && !unknownChanged) continue;
      for (const { id } of smallSetItems(set.users)) outdated.add(id);
    }
    return { changed, removed, outdated };
  }

  return {
    find(selector, port) {
      const key = setKey(selector, port);
      const known = sets.get(key);
      if (known !== undefined) return known;
      const set = createMemberSet(selector, port);
      sets.set(key, set);
      fresh.add(set);
      return set;
    },
    retain(set, user) {
      set.users = addToSmallSet(set.users, user);
    },
    release(set, user) {
      set.users = removeFromSmallSet(set.users, user);
      if (set.users === undefined) idle.add(set);
    },
    touch(set) {
      touched.add(set);
    },
    takeChanges() {
      openFresh();
      const closed = closeIdle();
      const { changed, removed, outdated } = takeTouched();
      return { changed, removed: [...closed, ...removed], outdated };
    },
  };
}
