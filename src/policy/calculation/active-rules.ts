// The rule lists that local endpoints need, and through them the IP sets that are needed.
import { sameContent } from '../../base/equal.ts';
import type { Selector } from '../../selector/selector.ts';
import {
  createMemberSet,
  hasUnknownMembers,
  type MemberSet,
  memberSetId,
  type PortName,
  setKey,
  takeSetChanges,
} from '../index/member-set.ts';
import { addToSmallSet, removeFromSmallSet, smallSetItems } from '../index/small-set.ts';
import type { RuleInput } from '../types/input.ts';
import type { PolicyChange, RuleList, RuleListId } from '../types/types.ts';
import { compileRule, type WantSet } from './compile.ts';

export interface RuleContent {
  readonly ingress: readonly RuleInput[];
  readonly egress: readonly RuleInput[];
}

interface ActiveList {
  readonly id: RuleListId;
  content: RuleContent;
  /** The sets that its rules name. */
  sets: ReadonlySet<MemberSet>;
  /** Whether it was handed out. */
  published: boolean;
}

/** What a flush hands out of this part, by stage. */
interface RuleChanges {
  readonly sets: readonly PolicyChange[];
  readonly lists: readonly PolicyChange[];
  readonly removedLists: readonly PolicyChange[];
  readonly removedSets: readonly PolicyChange[];
}

export interface ActiveRules {
  /** The list is needed with this content, or no longer needed when there is none. */
  setList(id: RuleListId, content: RuleContent | undefined): void;
  /** A member of the set came or went. */
  touchSet(set: MemberSet): void;
  /** What changed since the last time. */
  takeChanges(): RuleChanges;
}

/** Where sets get their members from once they are needed: an open set has them and follows every change. */
export interface MemberSource {
  open(sets: readonly MemberSet[]): void;
  close(set: MemberSet): void;
}

function compileList(list: ActiveList, wantSet: WantSet): RuleList {
  return {
    id: list.id,
    ingress: list.content.ingress.flatMap((rule) => compileRule(rule, wantSet)),
    egress: list.content.egress.flatMap((rule) => compileRule(rule, wantSet)),
  };
}

export function createActiveRules(members: MemberSource): ActiveRules {
  const lists = new Map<RuleListId, ActiveList>();
  const sets = new Map<string, MemberSet>();
  const changedLists = new Set<ActiveList>();
  const removedLists = new Set<ActiveList>();
  const newSets = new Set<MemberSet>();
  const idleSets = new Set<MemberSet>();
  const changedSets = new Set<MemberSet>();

  function setOf(selector: Selector, port: PortName | undefined): MemberSet {
    const key = setKey(selector, port);
    const known = sets.get(key);
    if (known !== undefined) return known;
    const set = createMemberSet(selector, port);
    sets.set(key, set);
    newSets.add(set);
    return set;
  }

  /** The sets of a list follow its content. */
  function renewSets(list: ActiveList): void {
    const wanted = new Set<MemberSet>();
    compileList(list, (selector, port) => {
      const set = setOf(selector, port);
      wanted.add(set);
      set.users = addToSmallSet(set.users, list);
      return { id: '', hasUnknown: false };
    });
    for (const set of list.sets) if (!wanted.has(set)) releaseSet(set, list);
    list.sets = wanted;
  }

  function releaseSet(set: MemberSet, list: ActiveList): void {
    set.users = removeFromSmallSet(set.users, list);
    if (set.users === undefined) idleSets.add(set);
  }

  function dropList(list: ActiveList): void {
    for (const set of list.sets) releaseSet(set, list);
    lists.delete(list.id);
    changedLists.delete(list);
    if (list.published) removedLists.add(list);
  }

  function openNewSets(): void {
    const opening = [...newSets].filter((set) => set.users !== undefined);
    for (const set of newSets) if (set.users === undefined) sets.delete(set.key);
    for (const set of opening) changedSets.add(set);
    newSets.clear();
    members.open(opening);
  }

  function closeIdleSets(): readonly PolicyChange[] {
    const removed: PolicyChange[] = [];
    for (const set of idleSets) {
      if (set.users !== undefined || set.publishedId === undefined) continue;
      members.close(set);
      sets.delete(set.key);
      changedSets.delete(set);
      removed.push({ kind: 'set-removed', id: set.publishedId });
    }
    idleSets.clear();
    return removed;
  }

  /**
   * Takes the changes of every set; one that changed its id leaves the former one to be removed. Lists that name a set
   * with another id, or one whose unknown members came or went, are handed out again.
   */
  function takeSets(removed: PolicyChange[]): readonly PolicyChange[] {
    const changes: PolicyChange[] = [];
    for (const set of changedSets) {
      const { change, formerId, unknownChanged } = takeSetChanges(set);
      if (change !== undefined) changes.push(change);
      if (formerId !== undefined) removed.push({ kind: 'set-removed', id: formerId });
      if (formerId === undefined && !unknownChanged) continue;
      for (const { id } of smallSetItems(set.users)) {
        const list = lists.get(id);
        if (list !== undefined) changedLists.add(list);
      }
    }
    changedSets.clear();
    return changes;
  }

  const findSet: WantSet = (selector, port) => {
    const set = setOf(selector, port);
    return { id: memberSetId(set), hasUnknown: hasUnknownMembers(set) };
  };

  function takeLists(): readonly PolicyChange[] {
    const changes = [...changedLists].map((list): PolicyChange => {
      list.published = true;
      return { kind: 'rules-set', list: compileList(list, findSet) };
    });
    changedLists.clear();
    return changes;
  }

  return {
    setList(id, content) {
      const known = lists.get(id);
      if (content === undefined) {
        if (known !== undefined) dropList(known);
        return;
      }
      if (sameContent(known?.content, content)) return;
      const list = known ?? { id, content, sets: new Set(), published: false };
      list.content = content;
      lists.set(id, list);
      renewSets(list);
      changedLists.add(list);
    },
    touchSet(set) {
      changedSets.add(set);
    },
    takeChanges() {
      openNewSets();
      const removedSets = [...closeIdleSets()];
      const setChanges = takeSets(removedSets);
      const listChanges = takeLists();
      const removed = [...removedLists].map((list): PolicyChange => ({ kind: 'rules-removed', id: list.id }));
      removedLists.clear();
      return { sets: setChanges, lists: listChanges, removedLists: removed, removedSets };
    },
  };
}
