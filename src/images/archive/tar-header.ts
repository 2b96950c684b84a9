// One 512-byte tar header and the pax records that may precede it, as a typed entry.
// Source: POSIX pax (ustar and extended headers), GNU tar manual "Basic Tar Format".
import { OcicatError } from '../../base/errors.ts';
import { parseSparse, type SparseFile, type SparseRecords } from './tar-sparse.ts';

/** What an entry makes. */
export type TarEntryKind = 'file' | 'directory' | 'symlink' | 'hardlink' | 'character' | 'block' | 'fifo';

/** One entry, with what its extended headers hold. */
export interface TarEntry {
  readonly kind: TarEntryKind;
  /** As written in the archive; may be hostile. */
  readonly path: string;
  /** Permission bits with setuid, setgid and sticky. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Bytes of content; 0 for everything but files. */
  readonly sizeBytes: number;
  readonly mtimeSeconds: number;
  /** Target of a symlink or hard link, else empty. */
  readonly linkTarget: string;
  readonly deviceMajor: number;
  readonly deviceMinor: number;
  /** From pax `SCHILY.xattr.NAME` records. */
  readonly xattrs: ReadonlyMap<string, Uint8Array>;
}

/** What a raw header says before extended headers are applied. */
export interface RawHeader {
  /** The type flag as a character; `0` for the old NUL. */
  readonly flag: string;
  readonly entry: Omit<TarEntry, 'kind'>;
}

/** Overrides that an extended header sets for the next entry. */
export interface Extension {
  readonly path?: string;
  readonly linkTarget?: string;
  readonly sizeBytes?: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly mtimeSeconds?: number;
  readonly xattrs?: ReadonlyMap<string, Uint8Array>;
  readonly sparse?: SparseFile;
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const XATTR_PREFIX = 'SCHILY.xattr.';
const SPARSE_PREFIX = 'GNU.sparse.';
const MAX_ID = 0xfffffffe;

/** The refusal of bytes that are no tar. */
export function corruptTar(message: string): OcicatError {
  return new OcicatError('corrupt', `tar: ${message}`);
}

/** Whether a block is all zeros, as the two at an archive's end are. */
export function isZeroBlock(block: Uint8Array): boolean {
  return block.every((byte) => byte === 0);
}

/** Throws `corrupt` on a wrong checksum or field. */
export function parseHeader(block: Uint8Array): RawHeader {
  checkSum(block);
  const isPosix = ascii(block, 257, 6) === 'ustar\0';
  const prefix = isPosix ? readText(block, 345, 155) : '';
  const name = readText(block, 0, 100);
  const flag = block[156] === 0 ? '0' : String.fromCharCode(block[156] ?? 0);
  const entry = {
    path: prefix === '' ? name : `${prefix}/${name}`,
    mode: readNumber(block, 100, 8) & 0o7777,
    uid: inRange('uid', readNumber(block, 108, 8), MAX_ID),
    gid: inRange('gid', readNumber(block, 116, 8), MAX_ID),
    sizeBytes: inRange('size', readNumber(block, 124, 12), Number.MAX_SAFE_INTEGER),
    mtimeSeconds: readNumber(block, 136, 12),
    linkTarget: readText(block, 157, 100),
    deviceMajor: flag === '3' || flag === '4' ? inRange('device', readNumber(block, 329, 8), 0xfff) : 0,
    deviceMinor: flag === '3' || flag === '4' ? inRange('device', readNumber(block, 337, 8), 0xfffff) : 0,
    xattrs: new Map<string, Uint8Array>(),
  };
  return { flag, entry };
}

function checkSum(block: Uint8Array): void {
  let unsigned = 0;
  let signed = 0;
  for (let i = 0; i < 512; i++) {
    const byte = i >= 148 && i < 156 ? 32 : (block[i] ?? 0);
    unsigned += byte;
    signed += byte < 128 ? byte : byte - 256;
  }
  const stated = readNumber(block, 148, 8);
  if (stated !== unsigned && stated !== signed) throw corruptTar('a header has the wrong checksum');
}

function ascii(block: Uint8Array, offset: number, length: number): string {
  return String.fromCharCode(...block.subarray(offset, offset + length));
}

function readText(block: Uint8Array, offset: number, length: number): string {
  const field = block.subarray(offset, offset + length);
  const end = field.indexOf(0);
  return decodeText(end < 0 ? field : field.subarray(0, end));
}

/** Throws `corrupt` on bytes that are not UTF-8, and on NUL. */
export function decodeText(bytes: Uint8Array): string {
  let text: string;
  try {
    text = utf8.decode(bytes);
  } catch {
    throw corruptTar(`name "${Buffer.from(bytes).toString('latin1')}" is not UTF-8`);
  }
  if (text.includes('\0')) throw corruptTar('a name holds a NUL');
  return text;
}

/** Octal digits, or base 256 when the first bit is set. Throws `corrupt`. */
export function readNumber(block: Uint8Array, offset: number, length: number): number {
  const field = block.subarray(offset, offset + length);
  const first = field[0] ?? 0;
  if ((first & 0x80) !== 0) return readBinary(field, (first & 0x40) !== 0);
  const digits = ascii(field, 0, length).replace(/^[ \0]+|[ \0].*$/gs, '');
  if (!/^[0-7]*$/.test(digits)) throw corruptTar(`a header has "${digits}" where a number is wanted`);
  return digits === '' ? 0 : Number.parseInt(digits, 8);
}

function readBinary(field: Uint8Array, isNegative: boolean): number {
  let value = BigInt((field[0] ?? 0) & 0x7f);
  for (const byte of field.subarray(1)) value = (value << 8n) | BigInt(byte);
  const number = Number(isNegative ? value - (1n << BigInt(field.length * 8 - 1)) : value);
  if (!Number.isSafeInteger(number)) throw corruptTar('a header has a number beyond 2^53');
  return number;
}

/** Throws `corrupt` for a number that is not from 0 to `max`. */
export function inRange(what: string, value: number, max: number): number {
  if (Number.isSafeInteger(value) && value >= 0 && value <= max) return value;
  throw corruptTar(`a header has ${what} ${value}, wanted 0 to ${max}`);
}

/** The records of a pax header, `LENGTH KEY=VALUE\n` each. Throws `corrupt`. */
export function parseExtension(bytes: Uint8Array): Extension {
  let extension: Extension = {};
  const xattrs = new Map<string, Uint8Array>();
  const sparse = new Map<string, string[]>();
  for (let at = 0; at < bytes.length; ) {
    const space = bytes.indexOf(32, at);
    const length = Number(ascii(bytes, at, Math.min(Math.max(space - at, 0), 20)));
    const end = at + length;
    const equals = bytes.indexOf(61, space);
    const wellFormed = space > at && Number.isInteger(length) && end <= bytes.length && bytes[end - 1] === 10;
    if (!wellFormed || equals <= space || equals >= end) throw corruptTar('a pax record is malformed');
    const key = decodeText(bytes.subarray(space + 1, equals));
    const value = bytes.subarray(equals + 1, end - 1);
    if (key.startsWith(XATTR_PREFIX)) xattrs.set(key.slice(XATTR_PREFIX.length), value.slice());
    else if (key.startsWith(SPARSE_PREFIX)) addTo(sparse, key.slice(SPARSE_PREFIX.length), decodeText(value));
    else extension = { ...extension, ...readRecord(key, value) };
    at = end;
  }
  return { ...extension, xattrs, ...(sparse.size === 0 ? {} : sparseExtension(sparse)) };
}

function addTo(records: Map<string, string[]>, key: string, value: string): void {
  const values = records.get(key);
  if (values === undefined) records.set(key, [value]);
  else values.push(value);
}

/** The name that the header has is made up for programs that do not know sparse files. */
function sparseExtension(records: SparseRecords): Extension {
  const path = records.get('name')?.at(-1);
  return { sparse: parseSparse(records, corruptTar), ...(path === undefined ? {} : { path }) };
}

function readRecord(key: string, value: Uint8Array): Extension {
  switch (key) {
    case 'path':
      return { path: decodeText(value) };
    case 'linkpath':
      return { linkTarget: decodeText(value) };
    case 'size':
      return { sizeBytes: inRange(key, Number(decodeText(value)), Number.MAX_SAFE_INTEGER) };
    case 'uid':
      return { uid: inRange(key, Number(decodeText(value)), MAX_ID) };
    case 'gid':
      return { gid: inRange(key, Number(decodeText(value)), MAX_ID) };
    case 'mtime':
      return { mtimeSeconds: finite(Number(decodeText(value))) };
    default:
      return {}; // atime, ctime, user and group names, comments: nothing that a tree keeps
  }
}

function finite(value: number): number {
  if (Number.isFinite(value)) return value;
  throw corruptTar('a pax record has no number where a time is wanted');
}
