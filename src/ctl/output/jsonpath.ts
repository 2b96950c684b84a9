// -o jsonpath: text with paths in braces, as kubectl writes them: {.items[*].metadata.name}, {range …}…{end}, {"\n"}.
import { JSONPath } from 'jsonpath-plus';
import { OcicatError } from '../../base/errors.ts';
import { printJson, tryParseJson } from '../../base/json.ts';

/** Characters of a template, ranges inside of each other, and steps through all levels (`..`) of a path. */
const MAX_LENGTH = 64 * 1024;
const MAX_DEPTH = 20;
const MAX_DESCENTS = 5;
/** Characters that a template prints. */
const MAX_TEXT = 64 * 1024 * 1024;

type Part =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'path'; readonly path: string }
  | { readonly kind: 'range'; readonly path: string; readonly parts: readonly Part[] };

function wrong(template: string, reason: string): OcicatError {
  const shown = template.length > 200 ? `${template.slice(0, 200)}…` : template;
  return new OcicatError('invalid', `read jsonpath "${shown}": ${reason}`);
}

/** Where the expression that starts after `{` ends; braces inside quotes do not count. */
function endOfExpression(template: string, from: number): number {
  let quote = '';
  for (let at = from; at < template.length; at++) {
    const letter = template[at] ?? '';
    if (quote !== '') {
      if (letter === '\\') at++;
      else if (letter === quote) quote = '';
    } else if (letter === '"' || letter === "'") quote = letter;
    else if (letter === '}') return at;
  }
  throw wrong(template, 'a brace is not closed');
}

/** Frames of open ranges; the last one is being filled. */
interface Frame {
  readonly path: string;
  readonly parts: Part[];
}

function parseTemplate(template: string): readonly Part[] {
  const frames: Frame[] = [{ path: '', parts: [] }];
  const add = (part: Part) => frames.at(-1)?.parts.push(part);
  let at = 0;
  while (at < template.length) {
    const open = template.indexOf('{', at);
    if (open !== at) add({ kind: 'text', text: template.slice(at, open < 0 ? template.length : open) });
    if (open < 0) break;
    const close = endOfExpression(template, open + 1);
    readExpression(template, template.slice(open + 1, close).trim(), frames, add);
    at = close + 1;
  }
  if (frames.length > 1) throw wrong(template, 'a range has no {end}');
  return frames[0]?.parts ?? [];
}

function readExpression(template: string, text: string, frames: Frame[], add: (part: Part) => void): void {
  if (text === 'end') {
    const frame = frames.length > 1 ? frames.pop() : undefined;
    if (frame === undefined) throw wrong(template, '{end} without a range');
    add({ kind: 'range', path: frame.path, parts: frame.parts });
  } else if (/^range\s/.test(text)) {
    if (frames.length > MAX_DEPTH) throw wrong(template, `ranges inside of each other, at most ${MAX_DEPTH} wanted`);
    frames.push({ path: toPath(template, text.slice(5).trim()), parts: [] });
  } else if (/^".*"$/s.test(text)) {
    add({ kind: 'text', text: parseText(template, text) });
  } else {
    add({ kind: 'path', path: toPath(template, text) });
  }
}

function parseText(template: string, quoted: string): string {
  const text = tryParseJson(quoted);
  if (typeof text === 'string') return text;
  throw wrong(template, `${quoted} is no text`);
}

/** `a\.b` is one name with a dot in it. */
function plainName(name: string): string {
  return name.replaceAll(/\\(.)/g, '$1');
}

/** Whether every bracket is closed; those in quotes do not count. */
function isBalanced(path: string): boolean {
  const brackets = path.replaceAll(/'[^']*'|"[^"]*"/g, '').replaceAll(/[^[\]]/g, '');
  let open = 0;
  for (const bracket of brackets) {
    open += bracket === '[' ? 1 : -1;
    if (open < 0) return false;
  }
  return open === 0;
}

/** `.a`, `$.a`, `@.a` and `a` all start where the range stands. */
function toPath(template: string, text: string): string {
  if (text.split('..').length - 1 > MAX_DESCENTS)
    throw wrong(template, `".." more than ${MAX_DESCENTS} times in a path`);
  const bare = text
    .replace(/^[$@]/, '')
    .replace(/\.((?:[^.[\]\\'"]|\\.)+)/g, (whole, name: string) =>
      name.includes('\\') ? `['${plainName(name)}']` : whole,
    )
    .replace(/\['([^']*)'\]/g, (_, name: string) => `['${plainName(name)}']`);
  if (bare === '' || bare === '.') return '$';
  return bare.startsWith('.') || bare.startsWith('[') ? `$${bare}` : `$.${bare}`;
}

function find(template: string, path: string, value: unknown): readonly unknown[] {
  if (!isBalanced(path)) throw wrong(template, `"${path.slice(1)}" is no path`);
  try {
    const found: unknown = JSONPath({ path, json: value as object, eval: 'safe', wrap: true });
    return Array.isArray(found) ? found : [];
  } catch {
    throw wrong(template, `"${path.slice(1)}" is no path`);
  }
}

function printValue(value: unknown): string {
  return typeof value === 'object' && value !== null ? printJson(value) : String(value);
}

/** Throws before a text becomes more than a memory holds. */
function concatenate<T>(template: string, items: readonly T[], print: (item: T) => string): string {
  let text = '';
  for (const item of items) {
    text += print(item);
    if (text.length > MAX_TEXT) throw wrong(template, `its text has more than ${MAX_TEXT} characters`);
  }
  return text;
}

function printPart(template: string, part: Part, value: unknown): string {
  switch (part.kind) {
    case 'text':
      return part.text;
    case 'path':
      return concatenate(template, [...find(template, part.path, value).entries()], ([index, item]) =>
        index === 0 ? printValue(item) : ` ${printValue(item)}`,
      );
    case 'range':
      return concatenate(template, find(template, part.path, value), (item) => printParts(template, part.parts, item));
  }
}

function printParts(template: string, parts: readonly Part[], value: unknown): string {
  return concatenate(template, parts, (part) => printPart(template, part, value));
}

/** Throws `invalid` for a template that is not understood. */
export function printJsonPath(template: string, document: unknown): string {
  if (template.length > MAX_LENGTH) throw wrong(template, `more than ${MAX_LENGTH} characters`);
  const braced = template.includes('{') ? template : `{${template}}`;
  const text = printParts(template, parseTemplate(braced), document);
  return text.endsWith('\n') ? text : `${text}\n`;
}
