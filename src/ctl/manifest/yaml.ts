// Prints JSON values as YAML the way Calico's tools do: keys sorted, lists not indented, quotes only where needed.
import { escapeLine, isShown } from '../../base/escape.ts';

/** Plain scalars that YAML 1.1 readers (Calico's among them) take for something other than text. */
const RESERVED = /^(y|n|yes|no|on|off|true|false|null|~|\.nan|[-+]?\.inf|=|<<)$/i;
/** Text that reads as a number, a time or a base-60 number in YAML 1.1 or 1.2. */
const NUMBER_LIKE =
  /^[-+]?(\d[\d_]*(\.[\d_]*)?([eE][-+]?\d+)?|\.[\d_.]*([eE][-+]?\d+)?|0x[\da-fA-F_]+|0o?[0-7_]+|0b[01_]+|\d[\d_]*(:[0-5]?\d)+(\.\d*)?)$/;
const TIME_LIKE = /^\d{4}-\d{1,2}-\d{1,2}([Tt ].*)?$/;
/** Text that is plain in a block: no indicator first, no `: ` or ` #` inside, no blank at an end. */
const PLAIN = /^(?![-?:] |[-?:]$|[,[\]{}#&*!|>'"%@`\s])(?!---|\.\.\.)[^\x00-\x1f\x7f-\x9f\ufeff\ufffe\uffff]+$/;

/** Text that would be read as something else; it is put in double quotes, as Go's printer does. */
function isMistaken(text: string): boolean {
  return text === '' || RESERVED.test(text) || NUMBER_LIKE.test(text) || TIME_LIKE.test(text);
}

/** Whether text holds what only double quotes can: what YAML does not allow as it is, or nobody would see. */
function needsEscapes(text: string): boolean {
  return !isShown(text) || /[\t\n\ufffe\uffff]/.test(text);
}

/** In double quotes; what JSON leaves as it is and nobody would see is escaped, beyond 16 bits in YAML's own way. */
function printQuoted(text: string): string {
  const quoted = JSON.stringify(text).replaceAll(
    /\udb40[\udc00-\udc7f]/g,
    (tag) => `\\U${tag.codePointAt(0)?.toString(16).padStart(8, '0')}`,
  );
  return escapeLine(quoted);
}

function isPlain(text: string): boolean {
  return PLAIN.test(text) && isShown(text) && !/: |:$| #|\s$/.test(text);
}

function printText(text: string, indent: string): string {
  if (isMistaken(text) || !text.isWellFormed()) return printQuoted(text);
  if (isPlain(text)) return text;
  if (text.includes('\n') && !needsEscapes(text.replaceAll('\n', '')) && !/^\s/.test(text))
    return printBlock(text, indent);
  return needsEscapes(text) ? printQuoted(text) : `'${text.replaceAll("'", "''")}'`;
}

/** A literal block, for text with line breaks. */
function printBlock(text: string, indent: string): string {
  const chomping = text.endsWith('\n\n') ? '+' : text.endsWith('\n') ? '' : '-';
  const body = text.endsWith('\n') ? text.slice(0, -1) : text;
  const lines = body.split('\n').map((line) => (line === '' ? '' : `${indent}  ${line}`));
  return `|${chomping}\n${lines.join('\n')}`;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

/** Inline text of a scalar or an empty collection; undefined for what needs lines of its own. */
function printInline(value: unknown, indent: string): string | undefined {
  if (typeof value === 'string') return printText(value, indent);
  if (Array.isArray(value)) return value.length === 0 ? '[]' : undefined;
  if (isObject(value)) return Object.keys(value).every((key) => value[key] === undefined) ? '{}' : undefined;
  return value === undefined ? 'null' : String(value);
}

function printLines(value: unknown, indent: string, out: string[]): void {
  if (Array.isArray(value)) {
    for (const item of value) printItem(item, indent, out);
    return;
  }
  if (!isObject(value)) return;
  for (const key of Object.keys(value).sort()) {
    const member = value[key];
    if (member === undefined) continue;
    const name = key.includes('\n') ? printQuoted(key) : printText(key, indent);
    const inline = printInline(member, indent);
    out.push(inline === undefined ? `${indent}${name}:` : `${indent}${name}: ${inline}`);
    if (inline === undefined) printLines(member, Array.isArray(member) ? indent : `${indent}  `, out);
  }
}

/** `- ` and the first line of the item, the others below it. */
function printItem(item: unknown, indent: string, out: string[]): void {
  const inline = printInline(item, indent);
  if (inline !== undefined) {
    out.push(`${indent}- ${inline}`);
    return;
  }
  const at = out.length;
  printLines(item, `${indent}  `, out);
  const first = out[at];
  if (first !== undefined) out[at] = `${indent}- ${first.slice(indent.length + 2)}`;
}

/** YAML text of a JSON value, ending with a line break. Undefined members are left out. */
export function printYaml(value: unknown): string {
  const inline = printInline(value, '');
  if (inline !== undefined) return `${inline}\n`;
  const out: string[] = [];
  printLines(value, '', out);
  return `${out.join('\n')}\n`;
}
