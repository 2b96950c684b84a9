// The segments of policies, made when they are asked for and kept until the policy, or a set that its boxes have the members of,
// has changed.
import type { CompiledRule, Direction, IpSetId, RuleList, RuleListId } from '../../policy/types/types.ts';
import type { RangesOfSet } from './box.ts';
import { computeSegments, type Segment } from './segment.ts';

export interface SegmentCache {
  of(direction: Direction, id: RuleListId): readonly Segment[];
  /** The list has changed. */
  forget(id: RuleListId): void;
  touchSet(id: IpSetId): void;
  /** Lists that have been asked for before and have changed since. */
  takeChanged(): ReadonlySet<RuleListId>;
}

/** `ownerOf`: what is written beside the boxes of a rule. */
export function createSegmentCache(
  listOf: (id: RuleListId) => RuleList,
  ownerOf: (direction: Direction, id: RuleListId, rule: CompiledRule) => string,
  rangesOf: RangesOfSet,
): SegmentCache {
  const known: Readonly<Record<Direction, Map<RuleListId, readonly Segment[]>>> = {
    ingress: new Map(),
    egress: new Map(),
  };
  /** Set to the lists that have asked for its members; those that do no more may be among them. */
  const askers = new Map<IpSetId, Set<RuleListId>>();
  let changed = new Set<RuleListId>();

  function compute(direction: Direction, id: RuleListId): readonly Segment[] {
    const owner = (rule: CompiledRule) => ownerOf(direction, id, rule);
    return computeSegments(listOf(id), direction, owner, (set, family) => {
      const lists = askers.get(set) ?? new Set();
      askers.set(set, lists.add(id));
      return rangesOf(set, family);
    });
  }

  function forget(id: RuleListId): void {
    const wasKnown = [known.ingress.delete(id), known.egress.delete(id)];
    if (wasKnown.includes(true)) changed.add(id);
  }

  return {
    of(direction, id) {
      let segments = known[direction].get(id);
      if (segments === undefined) {
        segments = compute(direction, id);
        known[direction].set(id, segments);
      }
      return segments;
    },
    forget,
    touchSet(set) {
      for (const id of askers.get(set) ?? []) forget(id);
      askers.delete(set);
    },
    takeChanged() {
      const taken = changed;
      changed = new Set();
      return taken;
    },
  };
}
