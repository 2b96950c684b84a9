// The rule lists that local endpoints need, and through them the IP sets that are needed.
import { sameContent } from '../../base/equal.ts';
import { hasUnknownMembers, type MemberSet, memberSetId } from '../index/member-set.ts';
import { createPending } from '../index/pending.ts';
import type { RuleInput } from '../types/input.ts';
import type { PolicyChange, RuleList, RuleListId } from '../types/types.ts';
import { compileRule, type WantSet } from './compile.ts';
import { createNeededSets, type MemberSource } from './needed-sets.ts';

export interface RuleContent {
  readonly early?: NonNullable<RuleList['early']>;
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

function compileList(list: ActiveList, wantSet: WantSet): RuleList {
  return {
    id: list.id,
    ...(list.content.early === undefined ? {} : { early: list.content.early }),
    ingress: list.content.ingress.flatMap((rule) => compileRule(rule, wantSet)),
    egress: list.content.egress.flatMap((rule) => compileRule(rule, wantSet)),
  };
}

export function createActiveRules(members: MemberSource): ActiveRules {
  const sets = createNeededSets(members);
  const lists = new Map<RuleListId, ActiveList>();
  const changedLists = createPending<ActiveList>();
  const removedLists = createPending<ActiveList>();

  /** The sets of a list follow its content. */
  function renewSets(list: ActiveList): void {
    const wanted = new Set<MemberSet>();
    compileList(list, (selector, port) => {
      const set = sets.find(selector, port);
      wanted.add(set);
      sets.retain(set, list);
      return { id: '', hasUnknown: false };
    });
    for (const set of list.sets) if (!wanted.has(set)) sets.release(set, list);
    list.sets = wanted;
  }

  function dropList(list: ActiveList): void {
    for (const set of list.sets) sets.release(set, list);
    lists.delete(list.id);
    changedLists.delete(list);
    if (list.published) removedLists.add(list);
  }

  const findSet: WantSet = (selector, port) => {
    const set = sets.find(selector, port);
    return { id: memberSetId(set), hasUnknown: hasUnknownMembers(set) };
  };

  function takeLists(outdated: ReadonlySet<RuleListId>): readonly PolicyChange[] {
    for (const id of outdated) {
      const list = lists.get(id);
      if (list !== undefined) changedLists.add(list);
    }
    return [...changedLists.take()].map((list): PolicyChange => {
      list.published = true;
      return { kind: 'rules-set', list: compileList(list, findSet) };
    });
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
    touchSet: (set) => sets.touch(set),
    takeChanges() {
      const { changed, removed, outdated } = sets.takeChanges();
      const listChanges = takeLists(outdated);
      const gone = [...removedLists.take()].map((list): PolicyChange => ({ kind: 'rules-removed', id: list.id }));
      return { sets: changed, lists: listChanges, removedLists: gone, removedSets: removed };
    },
  };
}
