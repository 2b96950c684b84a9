// Selector text to a selector: a recursive descent over the grammar of Calico v3.33
// (libcalico-go/lib/selector/parser/parser.go).
import { isOcicatError } from '../base/errors.ts';
import { SELECT_ALL, type Selector, sortedValues } from './selector.ts';
import { selectorError, type Token, type TokenKind, tokenizeSelector } from './tokenize.ts';

/** Longest selector text (Calico v3.33, libcalico-go/lib/validator/v3/validator.go). */
export const SELECTOR_LENGTH_MAX = 1024;

/** A position in the tokens of one text. */
interface Cursor {
  readonly text: string;
  readonly tokens: readonly Token[];
  index: number;
}

function peek(cursor: Cursor): Token {
  return cursor.tokens[cursor.index] ?? { kind: 'end', text: '', at: cursor.text.length };
}

function take(cursor: Cursor): Token {
  const token = peek(cursor);
  cursor.index++;
  return token;
}

function takeIf(cursor: Cursor, kind: TokenKind): boolean {
  if (peek(cursor).kind !== kind) return false;
  cursor.index++;
  return true;
}

function expect(cursor: Cursor, kind: TokenKind, wanted: string): Token {
  const token = take(cursor);
  if (token.kind !== kind) throw selectorError(cursor.text, token.at, wanted);
  return token;
}

function parseChain(cursor: Cursor, kind: 'and' | 'or', symbol: TokenKind, parseOperand: (cursor: Cursor) => Selector) {
  const first = parseOperand(cursor);
  if (peek(cursor).kind !== symbol) return first;
  const operands = [first];
  while (takeIf(cursor, symbol)) operands.push(parseOperand(cursor));
  return { kind, operands };
}

function parseOr(cursor: Cursor): Selector {
  return parseChain(cursor, 'or', '||', parseAnd);
}

function parseAnd(cursor: Cursor): Selector {
  return parseChain(cursor, 'and', '&&', parseUnary);
}

/** Of a row of `!` only whether it is odd counts, as Calico reads it; one inside parentheses is another row. */
function parseUnary(cursor: Cursor): Selector {
  let isNegated = false;
  while (takeIf(cursor, '!')) isNegated = !isNegated;
  const operand = parseAtom(cursor);
  return isNegated ? { kind: 'not', operand } : operand;
}

function parseAtom(cursor: Cursor): Selector {
  const token = take(cursor);
  switch (token.kind) {
    case 'all':
      return SELECT_ALL;
    case 'global':
      return { kind: 'global' };
    case 'has':
      return { kind: 'has', label: token.text };
    case 'label':
      return parseComparison(cursor, token.text);
    case '(': {
      const inner = parseOr(cursor);
      expect(cursor, ')', '&&, || or a closing )');
      return inner;
    }
    default:
      throw selectorError(cursor.text, token.at, 'a label, has(), all(), global(), ! or (');
  }
}

function parseComparison(cursor: Cursor, label: string): Selector {
  const token = take(cursor);
  switch (token.kind) {
    case '==':
      return { kind: 'equals', label, value: parseValue(cursor) };
    case '!=':
      return { kind: 'differs', label, value: parseValue(cursor) };
    case 'contains':
    case 'starts-with':
    case 'ends-with':
      return { kind: token.kind, label, value: parseValue(cursor) };
    case 'in':
    case 'not-in':
      return { kind: token.kind, label, values: parseSet(cursor) };
    default:
      throw selectorError(cursor.text, token.at, `an operator after label "${label}"`);
  }
}

function parseValue(cursor: Cursor): string {
  return expect(cursor, 'string', 'a quoted string').text;
}

/** `{`, strings with commas between them and perhaps one after the last, `}`. */
function parseSet(cursor: Cursor): ReadonlySet<string> {
  expect(cursor, '{', 'a set in braces');
  const values: string[] = [];
  while (peek(cursor).kind === 'string') {
    values.push(take(cursor).text);
    if (!takeIf(cursor, ',')) break;
  }
  expect(cursor, '}', values.length === 0 ? 'a quoted string or a closing }' : 'a comma or a closing }');
  return sortedValues(values);
}

function checkText(text: string): void {
  if (text.length > SELECTOR_LENGTH_MAX) {
    throw selectorError(text, SELECTOR_LENGTH_MAX, `at most ${SELECTOR_LENGTH_MAX} characters`);
  }
  if (!text.isWellFormed()) throw selectorError(text, 0, 'well-formed Unicode text');
}

/** The selector that a text spells; empty or blank text is `all()`. Throws `invalid` that points into the text. */
export function parseSelector(text: string): Selector {
  checkText(text);
  const cursor: Cursor = { text, tokens: tokenizeSelector(text), index: 0 };
  if (peek(cursor).kind === 'end') return SELECT_ALL;
  const selector = parseOr(cursor);
  expect(cursor, 'end', '&&, || or the end of the text');
  return selector;
}

/** As parseSelector; undefined for text that is no selector. */
export function tryParseSelector(text: string): Selector | undefined {
  try {
    return parseSelector(text);
  } catch (error) {
    if (isOcicatError(error, 'invalid')) return undefined;
    throw error;
  }
}
