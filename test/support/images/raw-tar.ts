// Writes tar archives byte by byte, so that tests can write what no tool would.

export interface RawEntry {
  readonly name: string;
  /** Type flag; '0' by default. */
  readonly type?: string;
  readonly content?: string | Uint8Array;
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly mtime?: number;
  readonly link?: string;
  readonly major?: number;
  readonly minor?: number;
  /** Records of a pax header that goes before. */
  readonly pax?: Readonly<Record<string, string | Uint8Array>>;
  /** Stated instead of the content's length. */
  readonly size?: number;
}

/** One header, with its content and padding. */
export function rawEntry(entry: RawEntry): Buffer {
  const content = Buffer.from(entry.content ?? '');
  const block = Buffer.alloc(512);
  block.write(entry.name, 0, 100, 'latin1');
  writeOctal(block, 100, 8, entry.mode ?? 0o644);
  writeOctal(block, 108, 8, entry.uid ?? 0);
  writeOctal(block, 116, 8, entry.gid ?? 0);
  writeOctal(block, 124, 12, entry.size ?? content.length);
  writeOctal(block, 136, 12, entry.mtime ?? 0);
  block.write(entry.type ?? '0', 156, 'latin1');
  block.write(entry.link ?? '', 157, 100, 'latin1');
  block.write('ustar\x0000', 257, 'latin1');
  writeOctal(block, 329, 8, entry.major ?? 0);
  writeOctal(block, 337, 8, entry.minor ?? 0);
  seal(block);
  const padding = Buffer.alloc((512 - (content.length % 512)) % 512);
  return Buffer.concat([...(entry.pax === undefined ? [] : [paxHeader(entry.pax)]), block, content, padding]);
}

/** Entries and the two blocks of zeros. */
export function rawTar(entries: readonly RawEntry[]): Buffer {
  return Buffer.concat([...entries.map(rawEntry), Buffer.alloc(1024)]);
}

interface GnuSparse {
  readonly realSize?: number;
  /** Whether the header says that the map goes on behind it. */
  readonly isExtended?: boolean;
}

/** The header of a sparse file of GNU's own format, with up to four places and lengths, and nothing behind it. */
export function gnuSparse(name: string, map: readonly (readonly [number, number])[], more: GnuSparse = {}): Buffer {
  const block = rawEntry({ name, type: 'S', size: map.reduce((sum, [, length]) => sum + length, 0) });
  block.write('ustar  \0', 257, 'latin1');
  for (const [index, [offset, length]] of map.entries()) {
    writeOctal(block, 386 + 24 * index, 12, offset);
    writeOctal(block, 398 + 24 * index, 12, length);
  }
  block[482] = more.isExtended === true ? 1 : 0;
  writeOctal(block, 483, 12, more.realSize ?? 100);
  return seal(block);
}

function paxHeader(records: Readonly<Record<string, string | Uint8Array>>): Buffer {
  const lines = Object.entries(records).map(([key, value]) => {
    const rest = Buffer.concat([Buffer.from(` ${key}=`), Buffer.from(value), Buffer.from('\n')]);
    let length = rest.length + 1;
    while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
    return Buffer.concat([Buffer.from(String(length)), rest]);
  });
  return rawEntry({ name: 'PaxHeader', type: 'x', content: Buffer.concat(lines) });
}

function writeOctal(block: Buffer, offset: number, length: number, value: number): void {
  block.write(value.toString(8).padStart(length - 1, '0'), offset, 'latin1');
}

/** Puts the checksum in; for headers changed by hand. */
export function seal(block: Buffer): Buffer {
  block.fill(' ', 148, 156);
  const sum = block.subarray(0, 512).reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return block;
}

/** A stream of chunks of the given sizes, the last size repeating. */
export async function* inChunks(bytes: Uint8Array, ...sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  for (let at = 0, index = 0; at < bytes.length; index++) {
    const size = Math.max(1, sizes[index] ?? sizes.at(-1) ?? bytes.length);
    yield bytes.subarray(at, at + size);
    at += size;
  }
}
