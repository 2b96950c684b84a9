// The merged tiers of groups of endpoints. Their sets are named after the first endpoint of the group, so that they stay while its
// policies change, and so that the same state has the same names however it came about.
import type { RulesetEditor } from '../nftables/editor.ts';
import type { Direction, RuleListId, TierPolicies } from '../policy/types/types.ts';
import type { Group, TierRuns } from './group.ts';
import type { Segment } from './merge/segment.ts';
import { createMergedTier, type MergedTier } from './merged-tier.ts';

/** A group that is to be merged again. */
interface StaleGroup {
  readonly group: Group;
  /** The lists of it that are others now; undefined: the group is new, or its owner is. */
  readonly changed: ReadonlySet<RuleListId> | undefined;
}

export interface MergedGroups {
  /**
   * Puts the sets of groups that have changed into the table, by the first endpoint of each; returns what they are asked for by, but
   * for those that are asked for as before. Those of the owners that nobody is any more are taken away.
   */
  assign(groups: ReadonlyMap<string, StaleGroup>, former: Iterable<string>): ReadonlyMap<string, TierRuns>;
}

/** Names the sets of a group's direction. */
export function ownerKey(direction: Direction, endpoint: string): string {
  return `${direction} ${endpoint}`;
}

export function isMergedTier(tier: TierPolicies, direction: Direction, mergeFrom: number): boolean {
  return tier[direction].length >= mergeFrom;
}

export function createMergedGroups(
  editor: RulesetEditor,
  mergeFrom: () => number,
  segmentsOf: (direction: Direction, id: RuleListId) => readonly Segment[],
): MergedGroups {
  /** By owner, then by place among the group's tiers. */
  const owned = new Map<string, Map<number, MergedTier>>();

  function update(owner: string, { direction, tiers }: Group): TierRuns {
    const merged = owned.get(owner) ?? new Map<number, MergedTier>();
    owned.set(owner, merged);
    for (const [index, tier] of tiers.entries()) {
      if (!isMergedTier(tier, direction, mergeFrom())) continue;
      let one = merged.get(index);
      if (one === undefined) {
        one = createMergedTier(editor, { owner, tier: index });
        merged.set(index, one);
      }
      one.update((id) => segmentsOf(direction, id), tier[direction]);
    }
    for (const [index, one] of merged) {
      const tier = tiers[index];
      if (tier !== undefined && isMergedTier(tier, direction, mergeFrom())) continue;
      one.remove();
      merged.delete(index);
    }
    return (tier) => merged.get(tiers.indexOf(tier))?.runs();
  }

  /** Whether no rule of the group's chain is another, however its lists have changed. */
  function tryReplace(owner: string, { group: { direction, tiers }, changed }: StaleGroup): boolean {
    const merged = owned.get(owner);
    if (merged === undefined || changed === undefined) return false;
    return [...merged].every(([index, one]) =>
      (tiers[index]?.[direction] ?? []).every(
        (id) => !changed.has(id) || one.tryReplace(id, segmentsOf(direction, id)),
      ),
    );
  }

  function close(owner: string): void {
    for (const one of owned.get(owner)?.values() ?? []) one.remove();
    owned.delete(owner);
  }

  return {
    assign(groups, former) {
      const runs = new Map(
        [...groups].flatMap(([owner, stale]) =>
          tryReplace(owner, stale) ? [] : [[owner, update(owner, stale.group)] as const],
        ),
      );
      for (const owner of former) if (!groups.has(owner)) close(owner);
      return runs;
    },
  };
}
