// Renders policies and profiles into the table as they change: their own chains, and the group chains that call them for
// endpoints.
import { OcicatError } from '../base/errors.ts';
import type { RulesetEditor } from '../nftables/editor.ts';
import type { CompiledRule, Direction, IpSetId, RuleList, RuleListId } from '../policy/types/types.ts';
import type { FirewallConfig } from './config.ts';
import type { Part } from './parts.ts';
import { describeGroup, type Group, mayPass, renderGroup, renderRuleList } from './rules.ts';
import type { ViewOfSet } from './set-renderer.ts';
import { createSharedParts } from './shared-parts.ts';

export interface PolicyRenderer {
  /** Chains that depend on the list are rendered again. */
  setRules(list: RuleList): void;
  removeRules(id: RuleListId): void;
  /** Renders the rules that ask for the set again. */
  renewSet(id: IpSetId): void;
  /** Puts the group's chain into the table with all it depends on, unless it is there, and counts one more user. */
  retainGroup(group: Group): void;
  releaseGroup(group: Group): void;
}

interface RenderedGroup {
  readonly group: Group;
  users: number;
  parts: readonly Part[];
}

const DIRECTIONS: readonly Direction[] = ['ingress', 'egress'];

function calls(group: Group, direction: Direction, id: RuleListId): boolean {
  return group.direction === direction && group.tiers.some((tier) => tier[direction].includes(id));
}

function asksFor({ source, destination }: CompiledRule, id: IpSetId): boolean {
  return [source, destination].some(({ ipSets, notIpSets }) => ipSets.includes(id) || notIpSets.includes(id));
}

/** `config` is asked whenever something is rendered. */
export function createPolicyRenderer(
  config: () => FirewallConfig,
  editor: RulesetEditor,
  viewOf: ViewOfSet,
): PolicyRenderer {
  const lists = new Map<RuleListId, RuleList>();
  const groups = new Map<string, RenderedGroup>();
  const shared = createSharedParts(editor, (direction, id) => renderRuleList(config(), listOf(id), direction, viewOf));

  function listOf(id: RuleListId): RuleList {
    const list = lists.get(id);
    if (list === undefined) throw new OcicatError('internal', `use policy "${id}": it was not handed out`);
    return list;
  }

  /** What is new is retained before what is old is released, so that what is in both stays. */
  function render(rendered: RenderedGroup): void {
    const { group } = rendered;
    const former = rendered.parts;
    const { rules, parts } = renderGroup(config(), group, (id) => mayPass(listOf(id), group.direction));
    shared.retain(parts);
    editor.setChain({ name: group.name, comment: describeGroup(group), rules });
    rendered.parts = parts;
    shared.release(former);
  }

  return {
    /** Whether a policy may pass shapes the tiers and groups that call it. */
    setRules(list) {
      const former = lists.get(list.id);
      lists.set(list.id, list);
      for (const direction of DIRECTIONS) {
        shared.renewRules(direction, list.id);
        if (former === undefined || mayPass(former, direction) === mayPass(list, direction)) continue;
        for (const rendered of groups.values()) if (calls(rendered.group, direction, list.id)) render(rendered);
      }
    },
    removeRules(id) {
      lists.delete(id);
    },
    renewSet(id) {
      for (const list of lists.values()) {
        for (const direction of DIRECTIONS) {
          if (list[direction].some((rule) => asksFor(rule, id))) shared.renewRules(direction, list.id);
        }
      }
    },
    retainGroup(group) {
      const present = groups.get(group.name);
      if (present !== undefined) {
        present.users++;
        return;
      }
      const rendered: RenderedGroup = { group, users: 1, parts: [] };
      render(rendered);
      groups.set(group.name, rendered);
    },
    releaseGroup(group) {
      const rendered = groups.get(group.name);
      if (rendered === undefined || --rendered.users > 0) return;
      groups.delete(group.name);
      editor.removeChain(group.name);
      shared.release(rendered.parts);
    },
  };
}
