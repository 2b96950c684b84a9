// Index keys: what must be true of some label for a selector to match at all. Selectors and items find each other by them.
import type { Selector } from '../../selector/selector.ts';

/** The label has this value, or any value when `value` is undefined. */
export interface IndexKey {
  readonly label: string;
  readonly value: string | undefined;
}

/** Whatever the selector matches has one of these keys; with no key it matches nothing. */
export type IndexKeys = readonly IndexKey[];

/** How much work a key would bring; the cheapest keys are taken. */
export type KeyCost = (key: IndexKey) => number;

interface Priced {
  readonly keys: IndexKeys;
  readonly cost: number;
}

/** The cheapest keys of a selector; undefined when it may match items that have none of its labels. */
export function chooseIndexKeys(selector: Selector, costOf: KeyCost): IndexKeys | undefined {
  return price(selector, false, costOf)?.keys;
}

/** All labels that index keys of the selector could name. */
export function indexLabels(selector: Selector): ReadonlySet<string> {
  const labels = new Set<string>();
  price(selector, false, (key) => {
    labels.add(key.label);
    return 0;
  });
  return labels;
}

function priced(keys: IndexKeys, costOf: KeyCost): Priced {
  return { keys, cost: keys.reduce((sum, key) => sum + costOf(key), 0) };
}

/** Every alternative must have keys, and all of them count. */
function either(parts: readonly (Priced | undefined)[]): Priced | undefined {
  const known = parts.filter((part) => part !== undefined);
  if (known.length < parts.length) return undefined;
  return { keys: known.flatMap((part) => part.keys), cost: known.reduce((sum, part) => sum + part.cost, 0) };
}

/** One part is enough to find what all parts together match. */
function cheapest(parts: readonly (Priced | undefined)[]): Priced | undefined {
  return parts.reduce((best, part) => {
    if (best === undefined || part === undefined) return best ?? part;
    return part.cost < best.cost ? part : best;
  }, undefined);
}

function price(selector: Selector, negated: boolean, costOf: KeyCost): Priced | undefined {
  switch (selector.kind) {
    case 'all':
    case 'global':
      return negated ? { keys: [], cost: 0 } : undefined;
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
