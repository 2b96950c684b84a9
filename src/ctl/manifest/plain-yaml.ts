// Reads the plain part of YAML that manifests are mostly written in, many times as fast as the full parser: maps and
// lists by indentation, plain scalars, numbers, simple quotes, flow collections on one line. Everything else is left alone.

/** Says "not plain" through all levels at once; never leaves this file. */
const NOT_PLAIN = Symbol('not plain');

/** Levels that are read here; deeper documents are not plain, and perhaps too deep. */
const MAX_DEPTH = 50;

interface Lines {
  /** Blanks before each line; a list item counts those up to what follows its `- `. */
  readonly indents: number[];
  readonly texts: string[];
  at: number;
  depth: number;
}

const KEY = /^([A-Za-z_][\w./-]*|"[^"\\]*"|'[^']*')(?::$|: +(.*)$)/;
/** Plain scalars that some version of YAML reads as something else than text. */
const RESERVED = /^(null|true|false|y|n|yes|no|on|off)$/i;
const INTEGER = /^(0|-?[1-9]\d{0,14})$/;
const DECIMAL = /^-?(0|[1-9]\d{0,5})\.\d{1,9}$/;
/** What might be a number in a spelling that is not read here. */
const NUMBER_LIKE = /^[-+.\d][\dA-Fa-fxo_+.-]*$/;
const NO_NUMBER = /^[-+]?\.(inf|nan)$/i;
const ADDRESS = /^\d+\.\d+\.\d/;
/** Text that no indicator begins and that ends in no colon; without `: ` and ` #` inside. */
const PLAIN = /^(?![-?:](?: |$))[^\s"'#&*!|>%@`,[\]{}=<~](?:[^\t#:]|[^\s]#|:(?! |$))*$/;
/** The same inside of a flow collection, where more characters end it. */
const FLOW_PLAIN = /[^\s"'#&*!|>%@`,[\]{}:?=<~-][^\t#:,[\]{}"'\\]*/y;
const FLOW_QUOTED = /"([^"\\]*)"|'([^']*)'/y;
const BLANKS = / */y;

function refuse(): never {
  throw NOT_PLAIN;
}

function splitLines(text: string): Lines {
  const indents: number[] = [];
  const texts: string[] = [];
  for (let from = 0; from < text.length; ) {
    let end = text.indexOf('\n', from);
    if (end < 0) end = text.length;
    let start = from;
    while (text.charCodeAt(start) === 0x20) start += 1;
    const line = text.slice(start, end).trimEnd();
    if (line !== '' && !line.startsWith('#') && !(line === '---' && texts.length === 0)) {
      indents.push(start - from);
      texts.push(line);
    }
    from = end + 1;
  }
  return { indents, texts, at: 0, depth: 0 };
}

function indentAt(lines: Lines): number {
  return lines.indents[lines.at] ?? -1;
}

function isItem(lines: Lines): boolean {
  const text = lines.texts[lines.at];
  return text !== undefined && (text.startsWith('- ') || text === '-');
}

function readPlain(text: string): unknown {
  if (INTEGER.test(text) || DECIMAL.test(text)) return Number(text);
  if (RESERVED.test(text) || NO_NUMBER.test(text)) return refuse();
  if (NUMBER_LIKE.test(text) && !ADDRESS.test(text)) return refuse();
  return text;
}

function readScalar(text: string): unknown {
  switch (text[0]) {
    case '"':
      return /^"[^"\\]*"$/.test(text) ? text.slice(1, -1) : refuse();
    case "'":
      return /^'[^']*'$/.test(text) ? text.slice(1, -1) : refuse();
    case '[':
    case '{': {
      const reader = { text, at: 0, depth: 0 };
      const value = readFlow(reader);
      return reader.at === text.length ? value : refuse();
    }
    default:
      if (text === 'true') return true;
      if (text === 'false') return false;
      return PLAIN.test(text) ? readPlain(text) : refuse();
  }
}

interface FlowReader {
  readonly text: string;
  at: number;
  depth: number;
}

/** What a sticky expression finds at the reader's place; moves past it. */
function take(reader: FlowReader, pattern: RegExp): RegExpExecArray | undefined {
  pattern.lastIndex = reader.at;
  const match = pattern.exec(reader.text);
  if (match === null) return undefined;
  reader.at += match[0].length;
  return match;
}

function takeIf(reader: FlowReader, character: string): boolean {
  take(reader, BLANKS);
  if (reader.text[reader.at] !== character) return false;
  reader.at += 1;
  return true;
}

/** What a reader makes of the next level. */
function deeper<R extends { depth: number }, T>(reader: R, read: (reader: R) => T): T {
  if (reader.depth >= MAX_DEPTH) return refuse();
  reader.depth += 1;
  const value = read(reader);
  reader.depth -= 1;
  return value;
}

function readFlow(reader: FlowReader): unknown {
  if (takeIf(reader, '[')) return deeper(reader, readFlowList);
  if (takeIf(reader, '{')) return deeper(reader, readFlowMap);
  const quoted = take(reader, FLOW_QUOTED);
  if (quoted !== undefined) return quoted[1] ?? quoted[2] ?? '';
  const plain = take(reader, FLOW_PLAIN)?.[0].trimEnd() ?? refuse();
  if (plain === 'true') return true;
  return plain === 'false' ? false : readPlain(plain);
}

function readFlowList(reader: FlowReader): unknown[] {
  const items: unknown[] = [];
  if (takeIf(reader, ']')) return items;
  for (;;) {
    items.push(readFlow(reader));
    if (takeIf(reader, ']')) return items;
    if (!takeIf(reader, ',')) refuse();
  }
}

function readFlowMap(reader: FlowReader): object {
  const members: Record<string, unknown> = {};
  if (takeIf(reader, '}')) return members;
  for (;;) {
    const key = readFlow(reader);
    if (typeof key !== 'string' || !takeIf(reader, ':') || reader.text[reader.at] !== ' ') return refuse();
    put(members, key, readFlow(reader));
    if (takeIf(reader, '}')) return members;
    if (!takeIf(reader, ',')) refuse();
  }
}

function put(members: Record<string, unknown>, key: string, value: unknown): void {
  if (Object.hasOwn(members, key) || key === '__proto__') refuse();
  members[key] = value;
}

function readList(lines: Lines, indent: number): unknown[] {
  const items: unknown[] = [];
  while (indentAt(lines) === indent && isItem(lines)) {
    const text = lines.texts[lines.at] ?? '';
    const rest = text.slice(1).trimStart();
    if (rest === '') {
      lines.at += 1;
      items.push(indentAt(lines) > indent ? readBlock(lines) : null);
    } else if (rest.startsWith('- ') || rest === '-' || KEY.test(rest)) {
      lines.indents[lines.at] = indent + text.length - rest.length;
      lines.texts[lines.at] = rest;
      items.push(readBlock(lines));
    } else {
      items.push(readScalar(rest));
      lines.at += 1;
    }
  }
  return items;
}

function readMember(lines: Lines, indent: number): unknown {
  const next = indentAt(lines);
  if (next > indent) return readBlock(lines);
  return next === indent && isItem(lines) ? readList(lines, indent) : null;
}

function readMap(lines: Lines, indent: number): object {
  const members: Record<string, unknown> = {};
  while (indentAt(lines) === indent && !isItem(lines)) {
    const match = KEY.exec(lines.texts[lines.at] ?? '');
    if (match === null) return refuse();
    const [, name = '', rest = ''] = match;
    const quoted = name[0] === '"' || name[0] === "'";
    if (!quoted && RESERVED.test(name)) refuse();
    lines.at += 1;
    put(members, quoted ? name.slice(1, -1) : name, rest === '' ? readMember(lines, indent) : readScalar(rest));
  }
  return members;
}

/** The list or map at the reader's place; whoever called it sees a line that belongs to none as more indented. */
function readBlock(lines: Lines): unknown {
  const indent = indentAt(lines);
  const value = deeper(lines, () => (isItem(lines) ? readList(lines, indent) : readMap(lines, indent)));
  return indentAt(lines) > indent ? refuse() : value;
}

/**
 * The value of one YAML document, equal to what the full parser makes of it; undefined for a text that is not plain,
 * be it right or wrong.
 */
export function tryParsePlainYaml(text: string): object | undefined {
  if (/[\t\r\ufeff\u0085\u2028\u2029]/.test(text)) return undefined;
  try {
    const lines = splitLines(text);
    const value = indentAt(lines) === 0 && !isItem(lines) ? readMap(lines, 0) : undefined;
    return lines.at === lines.texts.length ? value : undefined;
  } catch (error) {
    if (error === NOT_PLAIN) return undefined;
    throw error;
  }
}
