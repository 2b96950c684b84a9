// Renders policies and profiles into the table as they change: their own chains, the sets that have many of them merged, and the
// group chains that lead there for endpoints.
import { OcicatError } from '../base/errors.ts';
import type { RulesetEditor } from '../nftables/editor.ts';
import {
  type CompiledRule,
  DIRECTIONS,
  type Direction,
  type IpSetId,
  type RuleList,
  type RuleListId,
} from '../policy/types/types.ts';
import type { FirewallConfig } from './config.ts';
import { describeGroup, type Group, renderGroup, type TierRuns } from './group.ts';
import { createSegmentCache } from './merge/segment-cache.ts';
import { createMergedGroups, isMergedTier, ownerKey } from './merged-groups.ts';
import type { Part } from './parts.ts';
import { formatElementOwner } from './rule-owner.ts';
import { mayPass, renderRuleList } from './rules.ts';
import type { SetRenderer } from './set-renderer.ts';
import { createSharedParts } from './shared-parts.ts';

export interface PolicyRenderer {
  /** Chains that depend on the list are rendered again. */
  setRules(list: RuleList): void;
  removeRules(id: RuleListId): void;
  /** Renders the rules that ask for the set again. */
  renewSet(id: IpSetId): void;
  /** Has the rules that are merged with its members merged again. */
  touchSet(id: IpSetId): void;
  /** Puts the group's chain into the table with all it depends on, now or when settling, unless it is there for others. */
  retainGroup(group: Group, endpoint: string): void;
  releaseGroup(group: Group, endpoint: string): void;
  /** Brings what is merged up to all that was said before. */
  settle(): void;
}

interface RenderedGroup {
  readonly group: Group;
  /** The lists of its tiers. */
  readonly lists: ReadonlySet<RuleListId>;
  readonly users: Set<string>;
  parts: readonly Part[];
  /** Who gives merged sets their names. */
  owner: string | undefined;
  /** Of a merged one: what its chain was rendered from. */
  form: readonly unknown[];
}

function calls(group: Group, direction: Direction, id: RuleListId): boolean {
  return group.direction === direction && group.tiers.some((tier) => tier[direction].includes(id));
}

function asksFor({ source, destination }: CompiledRule, id: IpSetId): boolean {
  return [source, destination].some(({ ipSets, notIpSets, portSets, notPortSets }) =>
    [ipSets, notIpSets, portSets, notPortSets].some((ids) => ids.includes(id)),
  );
}

function firstOf(users: ReadonlySet<string>): string {
  let first: string | undefined;
  for (const user of users) if (first === undefined || user < first) first = user;
  return first ?? '';
}

/** All that the chain of a merged group follows from, besides the configuration: another port of a policy leaves it as it is. */
function formOf(
  { tiers, direction }: Group,
  passes: (id: RuleListId) => boolean,
  runsOf: TierRuns | undefined,
): readonly unknown[] {
  return tiers.flatMap((tier) => [
    ...tier[direction].map(passes),
    ...(runsOf?.(tier) ?? []).flatMap(({ action, sets, called }) => [
      action,
      ...sets.flatMap(({ shape, set, owner }) => [shape, set?.name, owner]),
      ...called,
    ]),
  ]);
}

function isNewForm(former: readonly unknown[], next: readonly unknown[]): boolean {
  return former.length !== next.length || next.some((each, index) => each !== former[index]);
}

/** `config` is asked whenever something is rendered. */
export function createPolicyRenderer(
  config: () => FirewallConfig,
  editor: RulesetEditor,
  sets: Pick<SetRenderer, 'viewOf' | 'rangesOf'>,
): PolicyRenderer {
  const lists = new Map<RuleListId, RuleList>();
  const groups = new Map<string, RenderedGroup>();
  const shared = createSharedParts(editor, (direction, id) =>
    renderRuleList(config(), listOf(id), direction, sets.viewOf),
  );
  const segments = createSegmentCache(listOf, formatElementOwner, sets.rangesOf);
  const merged = createMergedGroups(editor, () => config().mergeFrom, segments.of);
  /** Merged groups that are to be merged again, with the lists that are others, if that is all; and names that their sets had. */
  const stale = new Map<RenderedGroup, ReadonlySet<RuleListId> | undefined>();
  const formerOwners = new Set<string>();
  /** Whether a list has come to pass, or does no more. */
  let hasReshaped = false;

  function listOf(id: RuleListId): RuleList {
    const list = lists.get(id);
    if (list === undefined) throw new OcicatError('internal', `use policy "${id}": it was not handed out`);
    return list;
  }

  function isMerged({ tiers, direction }: Group): boolean {
    return tiers.some((tier) => isMergedTier(tier, direction, config().mergeFrom));
  }

  /** What is new is retained before what is old is released, so that what is in both stays. */
  function render(rendered: RenderedGroup, runsOf?: TierRuns): void {
    const { group } = rendered;
    const former = rendered.parts;
    const { rules, parts } = renderGroup(config(), group, (id) => mayPass(listOf(id), group.direction), runsOf);
    shared.retain(parts);
    editor.setChain({ name: group.name, comment: describeGroup(group), rules });
    rendered.parts = parts;
    shared.release(former);
  }

  function touch(rendered: RenderedGroup, changed?: ReadonlySet<RuleListId>): void {
    stale.set(rendered, changed);
    if (rendered.owner !== undefined) formerOwners.add(rendered.owner);
  }

  /** Merged groups that have one of the lists. */
  function touchUsers(changed: ReadonlySet<RuleListId>): void {
    if (changed.size === 0) return;
    for (const rendered of groups.values()) {
      if (rendered.owner === undefined || stale.has(rendered)) continue;
      if ([...changed].some((id) => rendered.lists.has(id))) touch(rendered, hasReshaped ? undefined : changed);
    }
  }

  return {
    /** Whether a policy may pass shapes the tiers and groups that call it. */
    setRules(list) {
      const former = lists.get(list.id);
      lists.set(list.id, list);
      segments.forget(list.id);
      for (const direction of DIRECTIONS) {
        shared.renewRules(direction, list.id);
        if (former === undefined || mayPass(former, direction) === mayPass(list, direction)) continue;
        hasReshaped = true;
        for (const rendered of groups.values()) {
          if (!isMerged(rendered.group) && calls(rendered.group, direction, list.id)) render(rendered);
        }
      }
    },
    removeRules(id) {
      lists.delete(id);
      segments.forget(id);
    },
    renewSet(id) {
      for (const list of lists.values()) {
        for (const direction of DIRECTIONS) {
          if (list[direction].some((rule) => asksFor(rule, id))) shared.renewRules(direction, list.id);
        }
      }
    },
    touchSet: segments.touchSet,
    retainGroup(group, endpoint) {
      let rendered = groups.get(group.name);
      if (rendered === undefined) {
        const lists = new Set(group.tiers.flatMap((tier) => tier[group.direction]));
        rendered = { group, lists, users: new Set(), parts: [], owner: undefined, form: [] };
        if (!isMerged(group)) render(rendered);
        groups.set(group.name, rendered);
      }
      rendered.users.add(endpoint);
      if (isMerged(group)) touch(rendered);
    },
    releaseGroup(group, endpoint) {
      const rendered = groups.get(group.name);
      if (rendered === undefined) return;
      rendered.users.delete(endpoint);
      if (isMerged(group)) touch(rendered);
      if (rendered.users.size > 0) return;
      stale.delete(rendered);
      groups.delete(group.name);
      editor.removeChain(group.name);
      shared.release(rendered.parts);
    },
    settle() {
      touchUsers(segments.takeChanged());
      const owners = new Map([...stale.keys()].map((one) => [ownerKey(one.group.direction, firstOf(one.users)), one]));
      const wanted = [...owners].map(([owner, one]) => [owner, { group: one.group, changed: stale.get(one) }] as const);
      const runs = merged.assign(new Map(wanted), formerOwners);
      for (const [owner, rendered] of owners) {
        rendered.owner = owner;
        const runsOf = runs.get(owner);
        if (runsOf === undefined) continue;
        const form = formOf(rendered.group, (id) => mayPass(listOf(id), rendered.group.direction), runsOf);
        if (!isNewForm(rendered.form, form)) continue;
        rendered.form = form;
        render(rendered, runsOf);
      }
      stale.clear();
      hasReshaped = false;
      formerOwners.clear();
    },
  };
}
