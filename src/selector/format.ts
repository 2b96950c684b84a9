// The one spelling of a selector, and the identifier made from it, both equal to Calico's (Calico v3.33,
// libcalico-go/lib/selector/parser/ast.go).
import { createHash } from 'node:crypto';
import type { Selector } from './selector.ts';

function quote(value: string): string {
  return value.includes('"') ? `'${value}'` : `"${value}"`;
}

function join(operands: readonly Selector[], symbol: string): string {
  return `(${operands.map(formatSelector).join(symbol)})`;
}

/**
 * The canonical text; parseSelector of it gives an equal selector again, unless the text outgrows its limit or a negation
 * stands right behind another: `!(!has(a))` is `!!has(a)` here as it is in Calico, and read again it is `has(a)`.
 */
export function formatSelector(selector: Selector): string {
  switch (selector.kind) {
    case 'all':
      return 'all()';
    case 'global':
      return 'global()';
    case 'has':
      return `has(${selector.label})`;
    case 'equals':
      return `${selector.label} == ${quote(selector.value)}`;
    case 'differs':
      return `${selector.label} != ${quote(selector.value)}`;
    case 'contains':
      return `${selector.label} contains ${quote(selector.value)}`;
    case 'starts-with':
      return `${selector.label} starts with ${quote(selector.value)}`;
    case 'ends-with':
      return `${selector.label} ends with ${quote(selector.value)}`;
    case 'in':
      return `${selector.label} in {${[...selector.values].map(quote).join(', ')}}`;
    case 'not-in':
      return `${selector.label} not in {${[...selector.values].map(quote).join(', ')}}`;
    case 'not':
      return `!${formatSelector(selector.operand)}`;
    case 'and':
      return join(selector.operands, ' && ');
    case 'or':
      return join(selector.operands, ' || ');
  }
}

/** `prefix:` and the base64url SHA-224 of `prefix:content`: 38 characters after the colon. */
export function uniqueId(prefix: string, content: string): string {
  return `${prefix}:${createHash('sha224').update(`${prefix}:${content}`).digest('base64url')}`;
}

/** `s:` and the hash of the canonical text. */
export function selectorId(selector: Selector): string {
  return uniqueId('s', formatSelector(selector));
}
