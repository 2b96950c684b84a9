// Reads a tar archive from a stream of chunks: entries, and the content of files as it comes.
import { OcicatError } from '../../base/errors.ts';
import { type ByteReader, openByteReader } from './byte-reader.ts';
import { takeGnuSparse } from './tar-gnu-sparse.ts';
import {
  corruptTar,
  decodeText,
  type Extension,
  isZeroBlock,
  parseExtension,
  parseHeader,
  type RawHeader,
  type TarEntry,
  type TarEntryKind,
} from './tar-header.ts';
import { type SparseFile, takeSparseMap } from './tar-sparse.ts';

/** An entry; then, for a file, its bytes and holes in pieces, `sizeBytes` in all. */
export type TarItem =
  | { readonly kind: 'entry'; readonly entry: TarEntry }
  | { readonly kind: 'hole'; readonly sizeBytes: number }
  | { readonly kind: 'content'; readonly bytes: Uint8Array };

const BLOCK = 512;
const MAX_EXTENSION_BYTES = 1024 * 1024;
/** Before one entry. Archivers write one or two. */
const MAX_EXTENSIONS = 16;

const kinds: Readonly<Record<string, TarEntryKind>> = {
  '0': 'file',
  '1': 'hardlink',
  '2': 'symlink',
  '3': 'character',
  '4': 'block',
  '5': 'directory',
  '6': 'fifo',
  '7': 'file',
  S: 'file',
};

/**
 * Reads ustar, pax and GNU archives to their end, and the stream behind it too. Pieces of content are valid until the next
 * item is asked for. Throws `corrupt` on what is not a tar or is cut short, `unsupported` on multi-volume entries.
 */
export async function* readTar(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<TarItem> {
  const input = openByteReader(chunks);
  let extension: Extension = {};
  let extensions = 0;
  for (let block = await takeHeader(input); block !== undefined; block = await takeHeader(input)) {
    const raw = parseHeader(block);
    if (isExtension(raw.flag)) {
      if (++extensions > MAX_EXTENSIONS)
        throw corruptTar(`more than ${MAX_EXTENSIONS} extended headers precede an entry`);
      extension = { ...extension, ...(await readExtension(input, raw)) };
      continue;
    }
    const { sparse: described, ...plain } = extension;
    const sparse = raw.flag === 'S' ? await takeGnuSparse(input, block) : described;
    const stored = applyExtension(raw, plain);
    extension = {};
    extensions = 0;
    yield { kind: 'entry', entry: sparse === undefined ? stored : { ...stored, sizeBytes: sparse.realSizeBytes } };
    if (sparse === undefined) yield* readContent(input, stored.sizeBytes);
    else yield* readSparse(input, stored, sparse);
  }
  while ((await input.takeSome(Number.MAX_SAFE_INTEGER)) !== undefined); // padding, which digests cover
}

/** Undefined at the end: two blocks of zeros, or the end of the stream between entries. */
async function takeHeader(input: ByteReader): Promise<Uint8Array | undefined> {
  const block = await takeBlock(input);
  if (block === undefined || !isZeroBlock(block)) return block;
  const second = await takeBlock(input);
  if (second !== undefined && !isZeroBlock(second)) throw corruptTar('an entry follows a block of zeros');
  return undefined;
}

async function takeBlock(input: ByteReader): Promise<Uint8Array | undefined> {
  const block = await input.take(BLOCK);
  if (block !== undefined && block.length < BLOCK) throw corruptTar('the archive is cut short');
  return block;
}

function isExtension(flag: string): boolean {
  return flag === 'x' || flag === 'g' || flag === 'L' || flag === 'K';
}

async function readExtension(input: ByteReader, raw: RawHeader): Promise<Extension> {
  const length = raw.entry.sizeBytes;
  if (length > MAX_EXTENSION_BYTES) throw corruptTar(`an extended header has ${length} bytes`);
  const padded = length === 0 ? new Uint8Array(0) : await input.take(length + padding(length));
  if (padded === undefined || padded.length < length) throw corruptTar('the archive is cut short');
  const content = padded.subarray(0, length);
  if (raw.flag === 'x') return parseExtension(content);
  if (raw.flag === 'g') return {}; // of the archive, not of the next entry: comments in practice
  const end = content.indexOf(0);
  const name = decodeText(end < 0 ? content : content.subarray(0, end));
  return raw.flag === 'L' ? { path: name } : { linkTarget: name };
}

function applyExtension(raw: RawHeader, extension: Extension): TarEntry {
  const merged = { ...raw.entry, ...extension };
  const flagKind = kinds[raw.flag];
  if (flagKind === undefined) {
    throw new OcicatError('unsupported', `tar: "${merged.path}" has the unknown type ${JSON.stringify(raw.flag)}`);
  }
  const kind = flagKind === 'file' && merged.path.endsWith('/') ? 'directory' : flagKind; // as old archives write it
  return { ...merged, kind, sizeBytes: kind === 'file' ? merged.sizeBytes : 0 };
}

async function* readSparse(input: ByteReader, stored: TarEntry, sparse: SparseFile): AsyncGenerator<TarItem> {
  const { realSizeBytes } = sparse;
  if (stored.kind !== 'file') throw corruptTar(`"${stored.path}" is sparse and no file`);
  const mapped = sparse.fragments === undefined ? await takeSparseMap(input, realSizeBytes, corruptTar) : undefined;
  const fragments = mapped?.fragments ?? sparse.fragments ?? [];
  const dataBytes = fragments.reduce((sum, { sizeBytes }) => sum + sizeBytes, mapped?.mapBytes ?? 0);
  if (dataBytes !== stored.sizeBytes) throw corruptTar(`"${stored.path}" has another size than its sparse map`);
  let at = 0;
  for (const { offset, sizeBytes } of fragments) {
    if (offset > at) yield { kind: 'hole', sizeBytes: offset - at };
    yield* readPieces(input, sizeBytes);
    at = offset + sizeBytes;
  }
  if (realSizeBytes > at) yield { kind: 'hole', sizeBytes: realSizeBytes - at };
  await skipPadding(input, stored.sizeBytes);
}

async function* readContent(input: ByteReader, sizeBytes: number): AsyncGenerator<TarItem> {
  yield* readPieces(input, sizeBytes);
  await skipPadding(input, sizeBytes);
}

async function* readPieces(input: ByteReader, sizeBytes: number): AsyncGenerator<TarItem> {
  for (let missing = sizeBytes; missing > 0; ) {
    const bytes = await input.takeSome(missing);
    if (bytes === undefined) throw corruptTar('the archive is cut short');
    missing -= bytes.length;
    yield { kind: 'content', bytes };
  }
}

async function skipPadding(input: ByteReader, sizeBytes: number): Promise<void> {
  const pad = padding(sizeBytes);
  if (pad > 0 && (await input.take(pad)) === undefined) throw corruptTar('the archive is cut short');
}

function padding(length: number): number {
  return (BLOCK - (length % BLOCK)) % BLOCK;
}
