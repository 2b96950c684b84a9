// Text that is not ours, made safe to show: what moves a cursor, changes colours, reorders or hides text becomes an escape.

/**
 * Control characters (C0 but line break and tab, DEL, C1), soft hyphen, zero-width and bidirectional formats, line and
 * paragraph separators, tags. Source: Unicode 16, general categories Cc, Cf, Zl and Zp, without the signs of Cf that show.
 */
const HIDDEN =
  /[\0-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|\udb40[\udc00-\udc7f]/g;
const LAYOUT = /[\n\t]/g;

const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** `\x1b` for C0, else `\u202e`: the one that JSON reads back, as C0 never stands in JSON as it is. */
function escapeUnit(unit: string): string {
  const code = unit.charCodeAt(0);
  const digits = code.toString(16);
  return SHORT[unit] ?? (code < 0x20 ? `\\x${digits.padStart(2, '0')}` : `\\u${digits.padStart(4, '0')}`);
}

/** UTF-16 units one by one, as JSON has it. */
function escapeUnits(hidden: string): string {
  return hidden.split('').map(escapeUnit).join('');
}

/** For whole texts, whose lines and tabs are ours. JSON stays JSON with the same values. */
export function escapeText(text: string): string {
  return text.replace(HIDDEN, escapeUnits);
}

/** For one line, or a value inside of one: line breaks and tabs are shown as well. */
export function escapeLine(text: string): string {
  return escapeText(text).replace(LAYOUT, escapeUnit);
}

/** Whether a text shows as it is. */
export function isShown(text: string): boolean {
  return text.search(HIDDEN) < 0;
}
