// A message of DNS as bytes (RFC 1035, section 4), as far as it is passed on as it came: who forwards an answer changes nothing
// of it but its identity and its times, whatever records it has.

export const HEADER_BYTES = 12;
const TTL_OFFSET = 4;
/** Type, class, TTL and length of a record, behind its name. */
const RECORD_HEADER_BYTES = 10;
const POINTER = 0xc0;

/** Bits of the second and third byte pair. */
export const FLAG = {
  response: 0x8000,
  opcode: 0x7800,
  authoritative: 0x0400,
  truncated: 0x0200,
  recursionDesired: 0x0100,
  recursionAvailable: 0x0080,
  checkingDisabled: 0x0010,
  code: 0x000f,
} as const;

export const CODE = { ok: 0, format: 1, failure: 2, noName: 3, notImplemented: 4, refused: 5 } as const;

export const TYPE = { A: 1, SOA: 6, PTR: 12, AAAA: 28, OPT: 41, IXFR: 251, AXFR: 252, ANY: 255 } as const;

export interface WireRecord {
  readonly type: number;
  readonly ttlOffset: number;
  readonly dataEnd: number;
}

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

export function idOf(bytes: Uint8Array): number {
  return viewOf(bytes).getUint16(0);
}

export function flagsOf(bytes: Uint8Array): number {
  return viewOf(bytes).getUint16(2);
}

/** How many questions, answers, authorities and additionals the message says that it has. */
export function countsOf(bytes: Uint8Array): readonly [number, number, number, number] {
  const view = viewOf(bytes);
  return [view.getUint16(4), view.getUint16(6), view.getUint16(8), view.getUint16(10)];
}

/** Where the name at the offset ends. Throws RangeError. */
function skipName(bytes: Uint8Array, offset: number, mayPoint = true): number {
  for (let at = offset; ; ) {
    const length = bytes[at];
    if (length === undefined) throw new RangeError('a name that does not end');
    if (length === 0) return at + 1;
    if ((length & POINTER) === POINTER && mayPoint) return at + 2;
    if ((length & POINTER) !== 0) throw new RangeError('a label of no known kind');
    at += length + 1;
  }
}

/** The one question of a message, name, type and class; nothing stands before it that it could point to. Throws RangeError. */
export function questionOf(bytes: Uint8Array): Uint8Array {
  const end = skipName(bytes, HEADER_BYTES, false) + 4;
  if (end > bytes.length) throw new RangeError('a question that is cut short');
  return bytes.subarray(HEADER_BYTES, end);
}

/** All records behind the one question. Throws RangeError. */
export function recordsOf(bytes: Uint8Array): readonly WireRecord[] {
  const [, answers, authorities, additionals] = countsOf(bytes);
  const view = viewOf(bytes);
  const records: WireRecord[] = [];
  let at = HEADER_BYTES + questionOf(bytes).length;
  for (let left = answers + authorities + additionals; left > 0; left--) {
    const header = skipName(bytes, at);
    const dataEnd = header + RECORD_HEADER_BYTES + view.getUint16(header + 8);
    if (dataEnd > bytes.length) throw new RangeError('a record that is cut short');
    records.push({ type: view.getUint16(header), ttlOffset: header + TTL_OFFSET, dataEnd });
    at = dataEnd;
  }
  return records;
}

/** In lower case, as names are compared (RFC 4343): bytes as characters. */
export function foldBytes(bytes: Uint8Array): string {
  return Buffer.from(bytes)
    .toString('latin1')
    .replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase());
}

/** The labels of a question's name with dots between, in lower case; undefined where that would not be the same name. */
export function nameOf(question: Uint8Array): string | undefined {
  const labels: string[] = [];
  for (let at = 0; ; ) {
    const length = question[at] ?? 0;
    if (length === 0) return labels.join('.');
    const label = foldBytes(question.subarray(at + 1, at + 1 + length));
    if (length > 63 || !/^[!-~]+$/.test(label) || label.includes('.')) return undefined;
    labels.push(label);
    at += length + 1;
  }
}
