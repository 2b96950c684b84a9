// The selector language as values: what a label expression says, free of its spelling (Calico v3.33,
// libcalico-go/lib/selector/parser/parser.go).

/** A boolean expression over labels. `and` and `or` have two or more operands; the values of a set are sorted. */
export type Selector =
  | { readonly kind: 'all' }
  | { readonly kind: 'global' }
  | { readonly kind: 'has'; readonly label: string }
  | { readonly kind: 'equals'; readonly label: string; readonly value: string }
  | { readonly kind: 'differs'; readonly label: string; readonly value: string }
  | { readonly kind: 'contains'; readonly label: string; readonly value: string }
  | { readonly kind: 'starts-with'; readonly label: string; readonly value: string }
  | { readonly kind: 'ends-with'; readonly label: string; readonly value: string }
  | { readonly kind: 'in'; readonly label: string; readonly values: ReadonlySet<string> }
  | { readonly kind: 'not-in'; readonly label: string; readonly values: ReadonlySet<string> }
  | { readonly kind: 'not'; readonly operand: Selector }
  | { readonly kind: 'and'; readonly operands: readonly Selector[] }
  | { readonly kind: 'or'; readonly operands: readonly Selector[] };

/** What a selector is held against. A Map of labels is one. */
export interface Labels {
  /** The label's value; undefined when it is missing. */
  get(label: string): string | undefined;
  has(label: string): boolean;
}

/** Matches everything. */
export const SELECT_ALL: Selector = { kind: 'all' };

/** The set of an `in` or `not in`: sorted, each value once. */
export function sortedValues(values: Iterable<string>): ReadonlySet<string> {
  return new Set([...values].sort());
}

/** The conjunction of the selectors that are there; undefined when none is. A single one stays itself. */
export function conjunction(...selectors: readonly (Selector | undefined)[]): Selector | undefined {
  const operands = selectors.filter((selector) => selector !== undefined);
  return operands.length < 2 ? operands[0] : { kind: 'and', operands };
}
