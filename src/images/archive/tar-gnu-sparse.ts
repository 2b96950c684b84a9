// Sparse files in archives of GNU's own format, type `S`: the map begins in the header and goes on in blocks behind it.
// Source: GNU tar manual, "Basic Tar Format" (struct oldgnu_header, struct sparse_header).
import type { ByteReader } from './byte-reader.ts';
import { corruptTar, inRange, readNumber } from './tar-header.ts';
import { checkFragments, type Fragment, type SparseFile } from './tar-sparse.ts';

const BLOCK = 512;
const ENTRY = 24;
const FIELD = 12;
/** In the header: where the entries begin, how many there are, whether blocks follow, the size of the whole file. */
const HEADER = { start: 386, entries: 4, isExtended: 482, realSize: 483 } as const;
/** In each block that follows. */
const MORE = { start: 0, entries: 21, isExtended: 504 } as const;
/** As much as a map in the content may have. */
const MAX_BLOCKS = 2048;

type Layout = Pick<typeof HEADER | typeof MORE, 'start' | 'entries'>;

function numberAt(block: Uint8Array, offset: number): number {
  return inRange('a place in a sparse file', readNumber(block, offset, FIELD), Number.MAX_SAFE_INTEGER);
}

/** An entry whose length is empty ends the list. */
function readEntries(block: Uint8Array, { start, entries }: Layout): readonly Fragment[] {
  const fragments: Fragment[] = [];
  for (let at = start; at < start + entries * ENTRY && block[at + FIELD] !== 0; at += ENTRY)
    fragments.push({ offset: numberAt(block, at), sizeBytes: numberAt(block, at + FIELD) });
  return fragments;
}

/** Reads the header's part and takes the blocks behind it. Throws `corrupt`. */
export async function takeGnuSparse(input: ByteReader, header: Uint8Array): Promise<SparseFile> {
  const realSizeBytes = numberAt(header, HEADER.realSize);
  const fragments = [...readEntries(header, HEADER)];
  let isExtended = header[HEADER.isExtended] !== 0;
  for (let count = 0; isExtended; count++) {
    const block = count < MAX_BLOCKS ? await input.take(BLOCK) : undefined;
    if (block?.length !== BLOCK) throw corruptTar('a sparse map is cut short');
    fragments.push(...readEntries(block, MORE));
    isExtended = block[MORE.isExtended] !== 0;
  }
  return { realSizeBytes, fragments: checkFragments(fragments, realSizeBytes, corruptTar) };
}
