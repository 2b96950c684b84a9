// What a policy is made of where its rules are merged with those of the policies beside it: boxes of packets with one action, one
// after the other, or its own chain.
import {
  type CompiledRule,
  type Direction,
  isStaged,
  type RuleAction,
  type RuleList,
  type RuleListId,
} from '../../policy/types/types.ts';
import { type Box, computeBoxes, type RangesOfSet } from './box.ts';
import { computeReach, type Reach } from './reach.ts';

export type MergedAction = Exclude<RuleAction, 'log'>;

export interface Segment {
  /** What all of it does; undefined where its order among others matters whatever they do. */
  readonly action: MergedAction | undefined;
  readonly boxes: readonly Box[];
  /** What its rules are about at most. */
  readonly reaches: readonly Reach[];
  /** The list whose chain has what is not in the boxes. */
  readonly called: RuleListId | undefined;
}

/** Of one policy in the sets. */
const MAX_BOXES_OF_LIST = 256;

function joinByAction(rules: readonly CompiledRule[], boxes: readonly (readonly Box[])[]): readonly Segment[] {
  const segments: { action: MergedAction; boxes: Box[]; reaches: Reach[]; called: undefined }[] = [];
  for (const [index, rule] of rules.entries()) {
    const { action } = rule;
    if (action === 'log') continue;
    let last = segments.at(-1);
    if (last?.action !== action) {
      last = { action, boxes: [], reaches: [], called: undefined };
      segments.push(last);
    }
    last.boxes.push(...(boxes[index] ?? []));
    last.reaches.push(computeReach(rule));
  }
  return segments;
}

/** The action of all rules, where the order of rules that have it does not matter and where they may stand in a chain of their own. */
function onlyAction(rules: readonly CompiledRule[]): 'allow' | 'deny' | undefined {
  const actions = new Set(rules.map(({ action }) => action));
  const [action] = actions;
  return actions.size === 1 && (action === 'allow' || action === 'deny') ? action : undefined;
}

/** In order. A staged policy counts what comes to its place; what one that decides early allows, no set can say. */
export function computeSegments(
  list: RuleList,
  direction: Direction,
  ownerOf: (rule: CompiledRule) => string,
  rangesOf: RangesOfSet,
): readonly Segment[] {
  const rules = list[direction];
  if (isStaged(list.id) || list.early !== undefined)
    return [{ action: undefined, boxes: [], reaches: [], called: list.id }];
  const boxes = rules.map((rule) => (rule.action === 'log' ? undefined : computeBoxes(rule, ownerOf(rule), rangesOf)));
  const some = boxes.filter((one) => one !== undefined);
  const isSmall = some.reduce((sum, { length }) => sum + length, 0) <= MAX_BOXES_OF_LIST;
  if (isSmall && some.length === rules.length) return joinByAction(rules, some);
  const action = onlyAction(rules);
  const merged = isSmall && action !== undefined ? some.flat() : [];
  return [{ action, boxes: merged, reaches: rules.map(computeReach), called: list.id }];
}
