// Selector text to tokens. Whether a word is an operator depends on the token before it, so this is where that is decided.
import { OcicatError } from '../base/errors.ts';

type KeywordOperator = 'contains' | 'starts-with' | 'ends-with' | 'in' | 'not-in';
export type TokenKind =
  | KeywordOperator
  | 'label'
  | 'string'
  | 'has'
  | 'all'
  | 'global'
  | '('
  | ')'
  | '{'
  | '}'
  | ','
  | '=='
  | '!='
  | '!'
  | '&&'
  | '||'
  | 'end';

export interface Token {
  readonly kind: TokenKind;
  /** The name of a label or of `has`, the content of a string; empty for the others. */
  readonly text: string;
  /** Where the token starts, from 0. */
  readonly at: number;
}

/** Longest label name (Calico v3.33, libcalico-go/lib/selector/parser/parser.go). */
const LABEL_LENGTH_MAX = 512;

const blanks = /[ \t]*/y;
const identifier = /[A-Za-z0-9_./-]+/y;
const symbol = /==|!=|&&|\|\||[(){},!]/y;
const keywordOperator = /(contains|starts[ \t]*with|ends[ \t]*with|not[ \t]*in|in)(?![A-Za-z0-9_./-])/y;
const call = /(has|all|global)\(/y;

/** The failure that points into the text: column from 1, what is there, what was wanted. Code `invalid`, one issue. */
export function selectorError(text: string, at: number, wanted: string): OcicatError {
  const rest = text.slice(at);
  const found = rest === '' ? 'end of text' : `"${rest.length > 20 ? `${rest.slice(0, 20)}…` : rest}"`;
  const message = `parse selector "${text.length > 200 ? `${text.slice(0, 200)}…` : text}": at column ${at + 1}: ${found} found, ${wanted} wanted`;
  return new OcicatError('invalid', message, { issues: [{ path: '', found, wanted, column: at + 1 }] });
}

function matchAt(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at;
  return pattern.exec(text);
}

function skipBlanks(text: string, at: number): number {
  return at + (matchAt(blanks, text, at)?.[0].length ?? 0);
}

interface Scanned {
  readonly token: Token;
  readonly next: number;
}

function scanString(text: string, at: number, quote: string): Scanned {
  const end = text.indexOf(quote, at + 1);
  if (end < 0) throw selectorError(text, at, `a closing ${quote} (unterminated string)`);
  return { token: { kind: 'string', text: text.slice(at + 1, end), at }, next: end + 1 };
}

function scanLabel(text: string, at: number): Scanned | undefined {
  const name = matchAt(identifier, text, at)?.[0];
  if (name === undefined) return undefined;
  if (name.length > LABEL_LENGTH_MAX)
    throw selectorError(text, at, `a label of at most ${LABEL_LENGTH_MAX} characters`);
  return { token: { kind: 'label', text: name, at }, next: at + name.length };
}

/** `has(label)`, `all()` or `global()`, whose name and parenthesis must touch. */
function scanCall(text: string, at: number): Scanned | undefined {
  const name = matchAt(call, text, at)?.[1];
  if (name !== 'has' && name !== 'all' && name !== 'global') return undefined;
  let next = skipBlanks(text, at + name.length + 1);
  let label = '';
  if (name === 'has') {
    const scanned = scanLabel(text, next);
    if (scanned === undefined) throw selectorError(text, next, 'a label name after has(');
    label = scanned.token.text;
    next = skipBlanks(text, scanned.next);
  }
  if (text[next] !== ')') throw selectorError(text, next, `a closing ) after ${name}(`);
  return { token: { kind: name, text: label, at }, next: next + 1 };
}

const keywordOperators: ReadonlyMap<string, KeywordOperator> = new Map([
  ['contains', 'contains'],
  ['startswith', 'starts-with'],
  ['endswith', 'ends-with'],
  ['notin', 'not-in'],
  ['in', 'in'],
]);

function scanKeywordOperator(text: string, at: number, label: string): Scanned {
  const keyword = matchAt(keywordOperator, text, at)?.[0];
  const kind = keyword === undefined ? undefined : keywordOperators.get(keyword.replaceAll(/[ \t]/g, ''));
  if (keyword === undefined || kind === undefined) throw selectorError(text, at, `an operator after label "${label}"`);
  return { token: { kind, text: '', at }, next: at + keyword.length };
}

const doubled: ReadonlyMap<string, string> = new Map([
  ['=', '=='],
  ['&', '&&'],
  ['|', '||'],
]);

function scanToken(text: string, at: number, previous: Token | undefined): Scanned {
  const char = text[at] ?? '';
  if (char === '"' || char === "'") return scanString(text, at, char);
  const match = matchAt(symbol, text, at)?.[0];
  if (match !== undefined) return { token: { kind: match as TokenKind, text: '', at }, next: at + match.length };
  const pair = doubled.get(char);
  if (pair !== undefined) throw selectorError(text, at, pair);
  if (previous?.kind === 'label') return scanKeywordOperator(text, at, previous.text);
  const scanned = scanCall(text, at) ?? scanLabel(text, at);
  if (scanned === undefined) throw selectorError(text, at, 'a label, a string, an operator or a parenthesis');
  return scanned;
}

/** The tokens of a text, `end` last. Throws `invalid`, pointing at what cannot begin a token. */
export function tokenizeSelector(text: string): readonly Token[] {
  const tokens: Token[] = [];
  let at = skipBlanks(text, 0);
  while (at < text.length) {
    const { token, next } = scanToken(text, at, tokens.at(-1));
    tokens.push(token);
    at = skipBlanks(text, next);
  }
  tokens.push({ kind: 'end', text: '', at });
  return tokens;
}
