// Finds netlink attributes in place, without an object for any: for answers of hundreds of thousands of objects. A value is known
// by where it begins; its attribute's header stands before it.

const HEADER_BYTES = 4;
/** Without NLA_F_NESTED and NLA_F_NET_BYTEORDER. */
const TYPE_MASK = 0x3fff;

function u16(bytes: Uint8Array, at: number): number {
  return (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8);
}

/** Where the value that begins at `at` ends. */
export function endOfValue(bytes: Uint8Array, at: number): number {
  return at - HEADER_BYTES + u16(bytes, at - HEADER_BYTES);
}

/** The attribute's number. */
export function typeOfValue(bytes: Uint8Array, at: number): number {
  return u16(bytes, at - HEADER_BYTES + 2) & TYPE_MASK;
}

/** Where the value of the attribute at `start` begins; 0 when none stands there whole before `end`. */
export function valueAt(bytes: Uint8Array, start: number, end: number): number {
  if (start + HEADER_BYTES > end) return 0;
  const length = u16(bytes, start);
  return length < HEADER_BYTES || start + length > end ? 0 : start + HEADER_BYTES;
}

/** Where the value behind this one begins; 0 when it was the last one before `end`. */
export function nextValue(bytes: Uint8Array, at: number, end: number): number {
  return valueAt(bytes, (endOfValue(bytes, at) + 3) & ~3, end);
}

/** Where the value of the first attribute of the type begins, of those from `start` to `end`; 0 when there is none. */
export function findValue(bytes: Uint8Array, type: number, start: number, end: number): number {
  let at = valueAt(bytes, start, end);
  while (at !== 0 && typeOfValue(bytes, at) !== type) at = nextValue(bytes, at, end);
  return at;
}

/** One character per byte. */
export function latin1At(bytes: Uint8Array, start: number, end: number): string {
  if (end - start === 4)
    return String.fromCharCode(bytes[start] ?? 0, bytes[start + 1] ?? 0, bytes[start + 2] ?? 0, bytes[start + 3] ?? 0);
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('latin1');
}

/** Whether the bytes are the text's characters, each one byte, and at most zeros behind them. */
export function isLatin1(bytes: Uint8Array, start: number, end: number, text: string): boolean {
  if (end - start < text.length) return false;
  for (let i = 0; i < text.length; i++) if (bytes[start + i] !== text.charCodeAt(i)) return false;
  for (let at = start + text.length; at < end; at++) if (bytes[at] !== 0) return false;
  return true;
}
