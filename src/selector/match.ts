// Whether labels satisfy a selector (Calico v3.33, libcalico-go/lib/selector/parser/ast.go).
import { allOf, anyOf, not, type Truth } from '../base/truth.ts';
import type { Labels, Selector } from './selector.ts';

/** A missing label satisfies only `!=`, `not in` and negations. `global()` matches everything, as `all()` does. */
export function matchSelector(selector: Selector, labels: Labels): boolean {
  switch (selector.kind) {
    case 'all':
    case 'global':
      return true;
    case 'has':
      return labels.has(selector.label);
    case 'equals':
      return labels.get(selector.label) === selector.value;
    case 'differs':
      return labels.get(selector.label) !== selector.value;
    case 'contains':
      return labels.get(selector.label)?.includes(selector.value) ?? false;
    case 'starts-with':
      return labels.get(selector.label)?.startsWith(selector.value) ?? false;
    case 'ends-with':
      return labels.get(selector.label)?.endsWith(selector.value) ?? false;
    case 'in':
      return isIn(selector.values, labels.get(selector.label));
    case 'not-in':
      return !isIn(selector.values, labels.get(selector.label));
    case 'not':
      return !matchSelector(selector.operand, labels);
    case 'and':
      return selector.operands.every((operand) => matchSelector(operand, labels));
    case 'or':
      return selector.operands.some((operand) => matchSelector(operand, labels));
  }
}

/**
 * The same where some labels are not known: those that are there are certain, any other may be there with any value.
 * Undefined when it depends on them.
 */
export function tryMatchSelector(selector: Selector, known: Labels): Truth {
  switch (selector.kind) {
    case 'all':
    case 'global':
      return true;
    case 'not':
      return not(tryMatchSelector(selector.operand, known));
    case 'and':
      return allOf(selector.operands.map((operand) => tryMatchSelector(operand, known)));
    case 'or':
      return anyOf(selector.operands.map((operand) => tryMatchSelector(operand, known)));
    default:
      return known.has(selector.label) ? matchSelector(selector, known) : undefined;
  }
}

function isIn(values: ReadonlySet<string>, value: string | undefined): boolean {
  return value !== undefined && values.has(value);
}
