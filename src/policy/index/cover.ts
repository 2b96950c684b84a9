// What must be true of some label for a selector to match at all: the terms by which selectors and items find each other.
import type { Selector } from '../../selector/selector.ts';

/** The label has this value, or any value when `value` is undefined. */
export interface Term {
  readonly label: string;
  readonly value: string | undefined;
}

/** Whatever the selector matches satisfies one of these terms; with no term it matches nothing. */
export type Cover = readonly Term[];

/** How much work a term would bring; the cheapest cover is taken. */
export type TermCost = (term: Term) => number;

interface Priced {
  readonly cover: Cover;
  readonly cost: number;
}

/** The cheapest cover of a selector; undefined when it may match items that have none of its labels. */
export function chooseCover(selector: Selector, costOf: TermCost): Cover | undefined {
  return price(selector, false, costOf)?.cover;
}

/** All labels that some cover of the selector could name. */
export function coverLabels(selector: Selector): ReadonlySet<string> {
  const labels = new Set<string>();
  price(selector, false, (term) => {
    labels.add(term.label);
    return 0;
  });
  return labels;
}

function priced(cover: Cover, costOf: TermCost): Priced {
  return { cover, cost: cover.reduce((sum, term) => sum + costOf(term), 0) };
}

/** Every alternative must be covered, and all covers count. */
function either(parts: readonly (Priced | undefined)[]): Priced | undefined {
  const known = parts.filter((part) => part !== undefined);
  if (known.length < parts.length) return undefined;
  return { cover: known.flatMap((part) => part.cover), cost: known.reduce((sum, part) => sum + part.cost, 0) };
}

/** One part is enough to find what all parts together match. */
function cheapest(parts: readonly (Priced | undefined)[]): Priced | undefined {
  return parts.reduce((best, part) => {
    if (best === undefined || part === undefined) return best ?? part;
    return part.cost < best.cost ? part : best;
  }, undefined);
}

function price(selector: Selector, negated: boolean, costOf: TermCost): Priced | undefined {
  switch (selector.kind) {
    case 'all':
    case 'global':
      return negated ? { cover: [], cost: 0 } : undefined;
    case 'has':
    case 'contains':
    case 'starts-with':
    case 'ends-with':
      return negated ? undefined : priced([{ label: selector.label, value: undefined }], costOf);
    case 'equals':
    case 'differs':
      if ((selector.kind === 'differs') !== negated) return undefined;
      return priced([{ label: selector.label, value: selector.value }], costOf);
    case 'in':
    case 'not-in':
      if ((selector.kind === 'not-in') !== negated) return undefined;
      return priced(
        [...selector.values].map((value) => ({ label: selector.label, value })),
        costOf,
      );
    case 'not':
      return price(selector.operand, !negated, costOf);
    case 'and':
    case 'or': {
      const parts = selector.operands.map((operand) => price(operand, negated, costOf));
      return (selector.kind === 'and') === negated ? either(parts) : cheapest(parts);
    }
  }
}
