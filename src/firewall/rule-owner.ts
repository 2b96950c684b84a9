// Whose a rule in the kernel is. Its comment says so, and is read back from there: what a rule has counted is told of the rule that
// somebody wrote, without memory of the run that rendered it. One of theirs may be several of the kernel's.
import type { CompiledRule, Direction, RuleListId } from '../policy/types/types.ts';
import * as names from './names.ts';

export type RuleOwner =
  /** `index`: the rule's place in its direction of the resource; `note`: its annotations, as far as a comment holds them. */
  | { readonly kind: 'rule'; readonly index: number; readonly note: string | undefined }
  /** The default action of a tier, for what none of its policies decides. */
  | { readonly kind: 'end-of-tier'; readonly tier: string }
  /** What none of the rules of a staged policy is about. */
  | { readonly kind: 'end-of-staged' }
  /** The deny behind all policies and profiles. */
  | { readonly kind: 'end-of-profiles' };

const END_OF_TIER = 'end of tier ';
const END_OF_STAGED = 'no rule of the staged policy';
const END_OF_PROFILES = 'no policy or profile decided';

/** The comment of a rule. */
export function formatOwner(owner: RuleOwner): string {
  switch (owner.kind) {
    case 'rule':
      return names.commentOf(`rule ${owner.index}${owner.note === undefined ? '' : `: ${owner.note}`}`);
    case 'end-of-tier':
      return names.commentOf(`${END_OF_TIER}${owner.tier}`);
    case 'end-of-staged':
      return END_OF_STAGED;
    case 'end-of-profiles':
      return END_OF_PROFILES;
  }
}

/** Of a rule as the calculation hands it out. */
export function ownerOf({ index, comment }: CompiledRule): RuleOwner {
  return { kind: 'rule', index, note: comment === '' ? undefined : comment };
}

/** Undefined for a comment that formatOwner has not written. */
export function tryParseOwner(comment: string | undefined = ''): RuleOwner | undefined {
  const [, index, note] = /^rule (\d+)(?:: (.*))?$/.exec(comment) ?? [];
  if (index !== undefined) return { kind: 'rule', index: Number(index), note };
  if (comment === END_OF_STAGED) return { kind: 'end-of-staged' };
  if (comment === END_OF_PROFILES) return { kind: 'end-of-profiles' };
  return comment.startsWith(END_OF_TIER) ? { kind: 'end-of-tier', tier: comment.slice(END_OF_TIER.length) } : undefined;
}

/** The owner of the rule at the end of a tier, as its comment holds it. */
export function endOfTier(tier: string): RuleOwner | undefined {
  return tryParseOwner(formatOwner({ kind: 'end-of-tier', tier }));
}

/** The comment of the chain that holds a policy's or profile's rules of a direction. */
export function formatChainOwner(direction: Direction, id: RuleListId): string {
  return names.commentOf(`${direction} ${id}`);
}

/** What formatChainOwner has written; undefined for other comments, and for one that is cut. */
export function tryParseChainOwner(
  name: string,
  comment: string | undefined,
): { readonly direction: Direction; readonly id: RuleListId } | undefined {
  const [, direction, id = ''] = /^(ingress|egress) (.*)$/.exec(comment ?? '') ?? [];
  if (direction !== 'ingress' && direction !== 'egress') return undefined;
  return names.rulesChain(direction, id) === name ? { direction, id } : undefined;
}

/** The comment of an element that stands for a rule: the chain in which the rule would be, and its comment there without annotations. */
export function formatElementOwner(direction: Direction, id: RuleListId, { index }: CompiledRule): string {
  return `${names.rulesChain(direction, id)} ${formatOwner({ kind: 'rule', index, note: undefined })}`;
}

/** What formatElementOwner has written. */
export function tryParseElementOwner(
  comment: string | undefined = '',
): { readonly chain: string; readonly rule: string } | undefined {
  const [, chain, rule] = /^(rules-(?:ingress|egress)-\S+) (rule \d+)$/.exec(comment) ?? [];
  return chain === undefined || rule === undefined ? undefined : { chain, rule };
}
