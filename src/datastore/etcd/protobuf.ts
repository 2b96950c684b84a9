// The protobuf wire format, as much of it as etcd's messages need (https://protobuf.dev/programming-guides/encoding).
import { OcicatError } from '../../base/errors.ts';

/** A field's number and value; undefined is left out. Text is UTF-8; a bigint is a 64-bit varint; bytes also hold messages. */
export type Field = readonly [number: number, value: number | bigint | boolean | string | Uint8Array | undefined];

const VARINT = 0;
const FIXED64 = 1;
const DELIMITED = 2;
const FIXED32 = 5;

function varintSize(value: number | bigint): number {
  let size = 1;
  if (typeof value === 'bigint') for (let rest = BigInt.asUintN(64, value) >> 7n; rest > 0n; rest >>= 7n) size += 1;
  else for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) size += 1;
  return size;
}

function writeVarint(into: Buffer, at: number, value: number | bigint): number {
  let end = at;
  if (typeof value === 'bigint') {
    let rest = BigInt.asUintN(64, value);
    for (; rest >= 128n; rest >>= 7n) into[end++] = Number(rest & 127n) | 128;
    into[end++] = Number(rest);
    return end;
  }
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) into[end++] = (rest % 128) | 128;
  into[end++] = rest;
  return end;
}

function delimitedSize(value: string | Uint8Array): number {
  return typeof value === 'string' ? Buffer.byteLength(value) : value.length;
}

function fieldSize([number, value]: Field): number {
  if (value === undefined) return 0;
  const tag = varintSize(number * 8);
  if (typeof value === 'boolean') return tag + 1;
  if (typeof value === 'number' || typeof value === 'bigint') return tag + varintSize(value);
  const size = delimitedSize(value);
  return tag + varintSize(size) + size;
}

function writeField(into: Buffer, at: number, [number, value]: Field): number {
  if (value === undefined) return at;
  if (typeof value === 'boolean' || typeof value === 'number' || typeof value === 'bigint')
    return writeVarint(
      into,
      writeVarint(into, at, number * 8 + VARINT),
      typeof value === 'boolean' ? Number(value) : value,
    );
  const size = delimitedSize(value);
  const start = writeVarint(into, writeVarint(into, at, number * 8 + DELIMITED), size);
  if (typeof value === 'string') into.write(value, start, 'utf8');
  else into.set(value, start);
  return start + size;
}

/** One message. Numbers must be safe integers of 0 or more; a negative one goes in as a bigint. */
export function encodeMessage(...fields: readonly Field[]): Buffer {
  const size = fields.reduce((sum, field) => sum + fieldSize(field), 0);
  const message = Buffer.allocUnsafe(size);
  fields.reduce((at, field) => writeField(message, at, field), 0);
  return message;
}

/** A place in a message that is being read. */
export interface Cursor {
  readonly bytes: Buffer;
  at: number;
  readonly end: number;
  /** Wire type of the field whose number was read last. */
  wire: number;
}

function malformed(what: string): OcicatError {
  return new OcicatError('corrupt', `read message: ${what}`);
}

export function openMessage(bytes: Buffer): Cursor {
  return { bytes, at: 0, end: bytes.length, wire: VARINT };
}

function byteAt(cursor: Cursor): number {
  const byte = cursor.at < cursor.end ? cursor.bytes[cursor.at] : undefined;
  if (byte === undefined) throw malformed('it ends within a field');
  cursor.at += 1;
  return byte;
}

/** An integer of 0 or more; throws `corrupt` for one beyond 2^53 (or negative: they look like 2^64 - n). */
export function readNumber(cursor: Cursor): number {
  let value = 0;
  for (let scale = 1; scale < 2 ** 70; scale *= 128) {
    const byte = byteAt(cursor);
    value += (byte & 127) * scale;
    if (byte >= 128) continue;
    if (Number.isSafeInteger(value)) return value;
    throw malformed('an integer is beyond 2^53');
  }
  throw malformed('an integer is longer than ten bytes');
}

/** All 64 bits as an unsigned integer. */
export function readUnsigned(cursor: Cursor): bigint {
  let value = 0n;
  for (let shift = 0n; shift < 70n; shift += 7n) {
    const byte = byteAt(cursor);
    value |= BigInt(byte & 127) << shift;
    if (byte < 128) return BigInt.asUintN(64, value);
  }
  throw malformed('an integer is longer than ten bytes');
}

/** An int64. */
export function readSigned(cursor: Cursor): bigint {
  return BigInt.asIntN(64, readUnsigned(cursor));
}

export function readBoolean(cursor: Cursor): boolean {
  return readNumber(cursor) !== 0;
}

/** The bytes of a field, shared with the message: copy what must outlive it. */
export function readBytes(cursor: Cursor): Buffer {
  const size = readNumber(cursor);
  const start = cursor.at;
  if (start + size > cursor.end) throw malformed('it ends within a field');
  cursor.at = start + size;
  return cursor.bytes.subarray(start, cursor.at);
}

export function readText(cursor: Cursor): string {
  return readBytes(cursor).toString('utf8');
}

function skip(cursor: Cursor): void {
  if (cursor.wire === VARINT) readUnsigned(cursor);
  else if (cursor.wire === DELIMITED) readBytes(cursor);
  else if (cursor.wire === FIXED64) cursor.at += 8;
  else if (cursor.wire === FIXED32) cursor.at += 4;
  else throw malformed(`wire type ${cursor.wire} is unknown`);
}

/** Reads each field's value; what is not in the table is skipped. Throws `corrupt` for a field of another wire type. */
export type Readers<T> = Readonly<
  Record<number, { readonly wire: 0 | 2; readonly read: (into: T, cursor: Cursor) => void }>
>;

export function varintField<T>(read: (into: T, cursor: Cursor) => void): Readers<T>[number] {
  return { wire: VARINT, read };
}

export function delimitedField<T>(read: (into: T, cursor: Cursor) => void): Readers<T>[number] {
  return { wire: DELIMITED, read };
}

/** Fills `into` from a message and returns it. */
export function decodeMessage<T>(bytes: Buffer, into: T, readers: Readers<T>): T {
  const cursor = openMessage(bytes);
  while (cursor.at < cursor.end) {
    const tag = readNumber(cursor);
    cursor.wire = tag & 7;
    const reader = readers[Math.floor(tag / 8)];
    if (reader === undefined) skip(cursor);
    else if (reader.wire === cursor.wire) reader.read(into, cursor);
    else throw malformed(`field ${Math.floor(tag / 8)} has wire type ${cursor.wire}, wanted ${reader.wire}`);
  }
  if (cursor.at > cursor.end) throw malformed('it ends within a field');
  return into;
}
