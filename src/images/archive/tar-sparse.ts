// Sparse files in pax archives, as GNU tar writes them: the content has only the fragments that hold data, and a map says
// where those go. Source: GNU tar manual, "Storing Sparse Files", formats 0.0, 0.1 and 1.0.
import type { ByteReader } from './byte-reader.ts';

/** Where a piece of the content goes. */
export interface Fragment {
  readonly offset: number;
  readonly sizeBytes: number;
}

/** The pax records of a sparse file. */
export interface SparseFile {
  readonly realSizeBytes: number;
  /** undefined where the map is at the beginning of the content, as in format 1.0. */
  readonly fragments: readonly Fragment[] | undefined;
}

/** Records of the name, in order; `offset` and `numbytes` come once for each fragment in format 0.0. */
export type SparseRecords = ReadonlyMap<string, readonly string[]>;

/** The refusal of a map that makes no sense. */
type Refuse = (message: string) => Error;

const BLOCK = 512;
/** Of a map in the content, in bytes; as much as of an extended header. */
const MAX_MAP_BYTES = 1024 * 1024;

function parseCount(text: string | undefined, refuse: Refuse): number {
  const value = text !== undefined && /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(value)) return value;
  throw refuse('a sparse map has no number where one is wanted');
}

/** Fragments are in order, do not overlap, and lie within the file. */
export function checkFragments(
  fragments: readonly Fragment[],
  realSizeBytes: number,
  refuse: Refuse,
): readonly Fragment[] {
  let end = 0;
  for (const { offset, sizeBytes } of fragments) {
    if (offset < end || offset + sizeBytes > realSizeBytes) throw refuse('a sparse map is out of order');
    end = offset + sizeBytes;
  }
  return fragments;
}

function pairUp(numbers: readonly number[], refuse: Refuse): readonly Fragment[] {
  if (numbers.length % 2 !== 0) throw refuse('a sparse map is cut short');
  const offsets = numbers.filter((_, index) => index % 2 === 0);
  return offsets.map((offset, index) => ({ offset, sizeBytes: numbers[2 * index + 1] ?? 0 }));
}

function numbersOf(records: SparseRecords, refuse: Refuse): readonly number[] {
  const map = records.get('map')?.at(-1);
  if (map !== undefined) return map === '' ? [] : map.split(',').map((text) => parseCount(text, refuse));
  const sizes = records.get('numbytes') ?? [];
  const offsets = records.get('offset') ?? [];
  if (offsets.length !== sizes.length) throw refuse('a sparse map is cut short');
  return offsets.flatMap((offset, index) => [parseCount(offset, refuse), parseCount(sizes[index], refuse)]);
}

/** Throws what `refuse` makes of a map that makes no sense. */
export function parseSparse(records: SparseRecords, refuse: Refuse): SparseFile {
  const size = records.get('realsize') ?? records.get('size');
  const realSizeBytes = parseCount(size?.at(-1), refuse);
  if (records.get('major')?.at(-1) === '1') return { realSizeBytes, fragments: undefined };
  return {
    realSizeBytes,
    fragments: checkFragments(pairUp(numbersOf(records, refuse), refuse), realSizeBytes, refuse),
  };
}

/** The map at the beginning of the content: numbers a line each, the count first, padded to whole blocks. */
export async function takeSparseMap(
  input: ByteReader,
  realSizeBytes: number,
  refuse: Refuse,
): Promise<{ readonly fragments: readonly Fragment[]; readonly mapBytes: number }> {
  const numbers: number[] = [];
  let mapBytes = 0;
  for (let rest = ''; numbers.length < 1 + 2 * (numbers[0] ?? 1); mapBytes += BLOCK) {
    const block = mapBytes < MAX_MAP_BYTES ? await input.take(BLOCK) : undefined;
    if (block?.length !== BLOCK) throw refuse('a sparse map is cut short');
    const lines = `${rest}${Buffer.from(block).toString('latin1')}`.split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) numbers.push(parseCount(line, refuse));
  }
  const [count = 0, ...pairs] = numbers;
  const fragments = checkFragments(pairUp(pairs.slice(0, 2 * count), refuse), realSizeBytes, refuse);
  return { fragments, mapBytes };
}
