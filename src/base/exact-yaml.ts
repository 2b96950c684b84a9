// Reads a YAML document whose value is surely what is written: what programs read differently, what a value would not
// hold, and what is nested without reason is named with its place instead.
import { type Document, isAlias, isMap, isPair, isScalar, isSeq, Lexer, type Pair, parseDocument, Scalar } from 'yaml';

/** What is wrong, and where it stands in the text, from 0. */
interface YamlFault {
  readonly offset: number;
  readonly message: string;
}

export type YamlReading =
  | { readonly kind: 'read'; readonly value: unknown }
  | { readonly kind: 'wrong'; readonly fault: YamlFault };

/** Levels of lists and maps inside of each other; a resource has about ten. */
const MAX_YAML_DEPTH = 100;
/** Columns that lists and maps in block style may begin at, before their depth is known. */
const MAX_BLOCK_COLUMN = 2 * MAX_YAML_DEPTH;
/** How often an alias may be used, weighed by what it stands for. */
const MAX_ALIASES = 100;
const TOO_DEEP = `nested too deeply, wanted at most ${MAX_YAML_DEPTH} levels`;
const IN_QUOTES = 'put it in quotes';

/** Tags that say what a value is anyway. */
const PLAIN_TAGS = /^tag:yaml\.org,2002:(str|int|float|bool|null|map|seq)$/;
/** Text to YAML 1.2, true or false to YAML 1.1 (https://yaml.org/type/bool.html), which Calico reads. */
const OLD_TRUTH = /^(?:y|Y|yes|Yes|YES|n|N|no|No|NO|on|On|ON|off|Off|OFF)$/;
/** Numbers of one version of YAML that are text or another number to the other: `0100`, `1_000`, `0b11`, `-0x1f`. */
const AMBIGUOUS = /^[-+]?(0[\d_]*\d|\d[\d_]*_[\d_]*(\.[\d_]*)?|0[bB][01_]+|0[XO][\da-fA-F_]+)$|^[-+]0[xo][\da-fA-F_]+$/;
const MERGE = '<<';

/** Marks what stops the reading of a document; never leaves this file. */
const FAULT = Symbol('fault');

function refuse(offset: number, message: string): never {
  throw { [FAULT]: true, offset, message };
}

function isFault(error: unknown): error is YamlFault {
  return typeof error === 'object' && error !== null && FAULT in error;
}

/** The marks of the lexer that stand for no text of their own. */
const MARKS = new Set(['\x02', '\x18', '\x1f']);
const SCALAR_MARK = '\x1f';

/** Refuses what would exhaust the parser, which calls itself for every level. */
function checkDepth(text: string): void {
  let offset = 0;
  let lineStart = 0;
  let flowDepth = 0;
  let isIndent = true;
  let isScalarNext = false;
  for (const token of new Lexer().lex(text)) {
    if (!isScalarNext && MARKS.has(token)) {
      isScalarNext = token === SCALAR_MARK;
      continue;
    }
    if (!isScalarNext && (token === '[' || token === '{')) flowDepth += 1;
    if (!isScalarNext && (token === ']' || token === '}')) flowDepth -= 1;
    const isDeep = flowDepth > MAX_YAML_DEPTH || (flowDepth === 0 && isIndent && offset - lineStart > MAX_BLOCK_COLUMN);
    if (isDeep && token.trim() !== '') refuse(offset, TOO_DEEP);
    isIndent = isScalarNext ? false : isIndent && /^[-?: ]*$/.test(token);
    isScalarNext = false;
    offset += token.length;
    const lineBreak = token.lastIndexOf('\n');
    if (lineBreak < 0) continue;
    lineStart = offset - token.length + lineBreak + 1;
    isIndent = true;
  }
}

/** Sign, digits and power of ten of a decimal number, without zeros at either end. */
function decimalParts(text: string): string {
  const [, sign = '', whole = '', part = '', power = '0'] =
    /^([-+]?)(\d*)\.?(\d*)(?:[eE]([-+]?\d+))?$/.exec(text) ?? [];
  const digits = `${whole}${part}`.replace(/^0+/, '');
  const significant = digits.replace(/0+$/, '');
  if (significant === '') return '0';
  return `${sign === '-' ? '-' : ''}${significant}e${Number(power) - part.length + digits.length - significant.length}`;
}

/** Whether a number holds every digit that is written. */
function isExact(source: string, value: number): boolean {
  if (!Number.isFinite(value)) return false;
  if (/^0[xo]/.test(source)) return Number.isSafeInteger(value);
  return decimalParts(source) === decimalParts(String(value));
}

interface Walk {
  readonly text: string;
  /** Anchors that no alias has named yet, with their places. */
  readonly unused: Map<string, number>;
}

function offsetOf(node: unknown): number {
  return isScalar(node) || isMap(node) || isSeq(node) || isAlias(node) ? (node.range?.[0] ?? 0) : 0;
}

/** A tag stands before its value, perhaps with an anchor between them. */
function tagOffset(text: string, valueOffset: number): number {
  const before = text.slice(0, valueOffset);
  const tag = /(?:^|[\s,[{])(!\S*)\s*(?:&\S+\s*)?$/.exec(before)?.[1];
  return tag === undefined ? valueOffset : before.lastIndexOf(tag);
}

function checkTag(node: { readonly tag?: string | undefined }, walk: Walk): void {
  const { tag } = node;
  if (tag === undefined || PLAIN_TAGS.test(tag)) return;
  const message = `found the tag ${tag}, wanted a value; if it is meant as text, ${IN_QUOTES}`;
  refuse(tagOffset(walk.text, offsetOf(node)), message);
}

function noteAnchor(node: { readonly anchor?: string | undefined }, walk: Walk): void {
  if (node.anchor !== undefined) walk.unused.set(node.anchor, walk.text.lastIndexOf(`&${node.anchor}`, offsetOf(node)));
}

function checkScalar(node: Scalar): void {
  const { source = '', value, type } = node;
  if (type !== Scalar.PLAIN) return;
  const wrong = (message: string) => refuse(offsetOf(node), `found ${source}, ${message}`);
  if (OLD_TRUTH.test(source))
    wrong('which is text or a truth to different programs, wanted true, false, or text in quotes');
  if (AMBIGUOUS.test(source)) wrong('which programs read differently, wanted a decimal number, or text in quotes');
  if (typeof value === 'number' && !isExact(source, value))
    wrong('which no stored number holds exactly, wanted fewer digits, or text in quotes');
}

/** A key that is text, or that its text says exactly: `5`, not `0x5`. */
function readKey(key: unknown): string {
  if (!isScalar(key))
    refuse(offsetOf(key), `found a key that is no word, wanted one; if it is meant as text, ${IN_QUOTES}`);
  if (key.type === Scalar.PLAIN && key.source === MERGE) return MERGE;
  checkScalar(key);
  if (typeof key.value === 'string') return key.value;
  if (key.value === null || String(key.value) !== key.source)
    refuse(offsetOf(key), `found the key ${key.source || 'of nothing'}, wanted a text; ${IN_QUOTES}`);
  return key.source;
}

function walkPair(pair: Pair, names: Set<string>, depth: number, walk: Walk): void {
  if (isScalar(pair.key)) {
    checkTag(pair.key, walk);
    noteAnchor(pair.key, walk);
  }
  const name = readKey(pair.key);
  if (names.has(name) && name !== MERGE) refuse(offsetOf(pair.key), `Map keys must be unique: ${name}`);
  names.add(name);
  walkNode(pair.value, depth, walk);
}

function walkNode(node: unknown, depth: number, walk: Walk): void {
  if (isAlias(node)) {
    walk.unused.delete(node.source);
    return;
  }
  if (isScalar(node)) {
    checkTag(node, walk);
    noteAnchor(node, walk);
    checkScalar(node);
  } else if (isMap(node) || isSeq(node)) {
    if (depth >= MAX_YAML_DEPTH) refuse(offsetOf(node), TOO_DEEP);
    checkTag(node, walk);
    noteAnchor(node, walk);
    const names = new Set<string>();
    for (const item of node.items) {
      if (isPair(item)) walkPair(item, names, depth + 1, walk);
      else walkNode(item, depth + 1, walk);
    }
  }
}

/** An `&` that begins what is meant as text would be taken for an anchor, and vanish. */
function checkAnchors({ unused }: Walk): void {
  for (const [name, offset] of unused)
    refuse(offset, `found the anchor &${name}, which no alias names; if it is meant as text, ${IN_QUOTES}`);
}

function checkSyntax(text: string, document: Document.Parsed): void {
  const [error] = document.errors;
  if (error === undefined) return;
  const key = error.code === 'DUPLICATE_KEY' ? `: ${text.slice(...error.pos)}` : '';
  refuse(error.pos[0], `${error.message}${key}`);
}

function toValue(document: Document.Parsed): unknown {
  try {
    return document.toJS({ maxAliasCount: MAX_ALIASES });
  } catch (cause) {
    if (!(cause instanceof ReferenceError)) throw cause;
    refuse(0, 'its aliases stand for more than a document can hold');
  }
}

function read(text: string): unknown {
  checkDepth(text);
  const document = parseDocument(text, { prettyErrors: false, merge: true, logLevel: 'error' });
  checkSyntax(text, document);
  const walk: Walk = { text, unused: new Map() };
  walkNode(document.contents, 0, walk);
  const value = toValue(document);
  checkAnchors(walk);
  return value;
}

/** The value of one document, or the first thing in it that would not come out as it is written. */
export function readExactYaml(text: string): YamlReading {
  try {
    return { kind: 'read', value: read(text) };
  } catch (error) {
    if (!isFault(error)) throw error;
    return { kind: 'wrong', fault: error };
  }
}
