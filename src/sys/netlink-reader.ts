// Reads netlink messages and attributes out of received bytes. Views, not copies: they live as long as the bytes do.
// A length that points outside its container ends the reading: the kernel does not send such, and nothing is invented.

const HEADER_BYTES = 16;
const ATTRIBUTE_HEADER_BYTES = 4;
/** Without NLA_F_NESTED and NLA_F_NET_BYTEORDER. */
const TYPE_MASK = 0x3fff;

function align(length: number): number {
  return (length + 3) & ~3;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

export interface Message {
  readonly type: number;
  readonly flags: number;
  readonly seq: number;
  /** Of an answer: the receiving socket's port. Of a notification: the port of the socket that caused it, 0 for the kernel. */
  readonly portId: number;
  /** What follows the 16-byte netlink header: a family header, then attributes. */
  readonly payload: Uint8Array;
}

/** The messages of one received datagram. */
export function* readMessages(bytes: Uint8Array): Generator<Message> {
  const view = viewOf(bytes);
  for (let at = 0; at + HEADER_BYTES <= bytes.length; ) {
    const length = view.getUint32(at, true);
    if (length < HEADER_BYTES || at + length > bytes.length) return;
    yield {
      type: view.getUint16(at + 4, true),
      flags: view.getUint16(at + 6, true),
      seq: view.getUint32(at + 8, true),
      portId: view.getUint32(at + 12, true),
      payload: bytes.subarray(at + HEADER_BYTES, at + length),
    };
    at += align(length);
  }
}

export interface Attribute {
  readonly type: number;
  readonly value: Uint8Array;
}

/** Calls `take` with each attribute from byte `start` on, and where its value begins and ends. */
function scanAttributes(
  bytes: Uint8Array,
  start: number,
  take: (type: number, valueStart: number, valueEnd: number) => void,
): void {
  for (let at = start; at + ATTRIBUTE_HEADER_BYTES <= bytes.length; ) {
    const length = readU16(bytes, at);
    if (length < ATTRIBUTE_HEADER_BYTES || at + length > bytes.length) return;
    take(readU16(bytes, at + 2) & TYPE_MASK, at + ATTRIBUTE_HEADER_BYTES, at + length);
    at += align(length);
  }
}

/** The attributes from byte `start` on, in order; repeated types (lists) included. */
export function readAttributeList(bytes: Uint8Array, start = 0): readonly Attribute[] {
  const attributes: Attribute[] = [];
  scanAttributes(bytes, start, (type, valueStart, valueEnd) =>
    attributes.push({ type, value: bytes.subarray(valueStart, valueEnd) }),
  );
  return attributes;
}

/**
 * The attributes from byte `start` on, by type; of a repeated type the last one counts. `only`: of these types; a view of each of
 * the sixty attributes of a link is what takes long.
 */
export function readAttributes(
  bytes: Uint8Array,
  start = 0,
  only?: ReadonlySet<number>,
): ReadonlyMap<number, Uint8Array> {
  const attributes = new Map<number, Uint8Array>();
  scanAttributes(bytes, start, (type, valueStart, valueEnd) => {
    if (only === undefined || only.has(type)) attributes.set(type, bytes.subarray(valueStart, valueEnd));
  });
  return attributes;
}

/** The readers of numbers give 0 where the bytes end too early. */
export function readU8(bytes: Uint8Array, at = 0): number {
  return bytes[at] ?? 0;
}

export function readU16(bytes: Uint8Array, at = 0): number {
  return readU8(bytes, at) | (readU8(bytes, at + 1) << 8);
}

export function readU32(bytes: Uint8Array, at = 0): number {
  return (readU16(bytes, at) | (readU16(bytes, at + 2) << 16)) >>> 0;
}

export function readI32(bytes: Uint8Array, at = 0): number {
  return readU32(bytes, at) | 0;
}

export function readBe16(bytes: Uint8Array, at = 0): number {
  return (readU8(bytes, at) << 8) | readU8(bytes, at + 1);
}

export function readBe32(bytes: Uint8Array, at = 0): number {
  return ((readBe16(bytes, at) << 16) | readBe16(bytes, at + 2)) >>> 0;
}

export function readBe64(bytes: Uint8Array, at = 0): bigint {
  return (BigInt(readBe32(bytes, at)) << 32n) | BigInt(readBe32(bytes, at + 4));
}

const decoder = new TextDecoder();

/** UTF-8 up to the first zero byte. */
export function readText(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return decoder.decode(end < 0 ? bytes : bytes.subarray(0, end));
}
