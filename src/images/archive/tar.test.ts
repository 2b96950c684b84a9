import { expect, test } from 'bun:test';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { gnuSparse, inChunks, type RawEntry, rawEntry, rawTar, seal } from '../../../test/support/images/raw-tar.ts';
import { OcicatError } from '../../base/errors.ts';
import { readTar } from './tar.ts';
import type { TarEntry } from './tar-header.ts';

type ReadEntry = TarEntry & { readonly content: string };

async function readAll(bytes: Uint8Array, ...sizes: readonly number[]): Promise<readonly ReadEntry[]> {
  const entries: (TarEntry & { content: string })[] = [];
  for await (const item of readTar(inChunks(bytes, ...sizes))) {
    if (item.kind === 'entry') entries.push({ ...item.entry, content: '' });
    else {
      const last = entries.at(-1);
      const bytes = item.kind === 'hole' ? Buffer.alloc(item.sizeBytes) : Buffer.from(item.bytes);
      if (last !== undefined) last.content += bytes.toString('latin1');
    }
  }
  return entries;
}

async function problemOf(bytes: Uint8Array): Promise<string> {
  try {
    await readAll(bytes);
    return 'accepted';
  } catch (error) {
    if (error instanceof OcicatError) return `${error.code}: ${error.message}`;
    throw error;
  }
}

/** Archives by GNU tar in its formats, of a tree with long names. */
function gnuTar(format: string): Buffer {
  const dir = mkdtempSync(join(tmpdir(), 'ocicat-tar-'));
  try {
    const deep = join(dir, 'd'.repeat(60), 'e'.repeat(60));
    mkdirSync(deep, { recursive: true });
    writeFileSync(join(deep, 'ü'.repeat(10)), 'content');
    symlinkSync('t'.repeat(90), join(dir, 'short'));
    const flags = ['--format', format, '--sort=name', '--owner=7', '--group=8', '--numeric-owner', '--mtime=@1.5'];
    const made = Bun.spawnSync(['tar', '-C', dir, ...flags, '-cf', '-', '.']);
    if (made.exitCode !== 0) throw new Error(made.stderr.toString());
    return made.stdout;
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

test.each(['ustar', 'gnu', 'posix'])('reads what GNU tar writes as %s', async (format) => {
  const directory = `./${'d'.repeat(60)}/`;
  const entries = await readAll(gnuTar(format));
  expect(
    entries.map((entry) => [entry.kind, entry.path, entry.content, entry.linkTarget, entry.uid, entry.gid]),
  ).toEqual([
    ['directory', './', '', '', 7, 8],
    ['directory', directory, '', '', 7, 8],
    ['directory', `${directory}${'e'.repeat(60)}/`, '', '', 7, 8],
    ['file', `${directory}${'e'.repeat(60)}/${'ü'.repeat(10)}`, 'content', '', 7, 8],
    ['symlink', './short', '', 't'.repeat(90), 7, 8],
  ]);
  expect(entries[0]?.mtimeSeconds).toBe(format === 'posix' ? 1.5 : 1);
});

test('reads GNU names of links and files that are too long for a header', async () => {
  const long = 'n'.repeat(300);
  const link = rawTar([
    { name: '././@LongLink', type: 'K', content: `${long}\0` },
    { name: '././@LongLink', type: 'L', content: `${long}/l\0` },
    { name: 'cut', type: '2', link: 'cut' },
    { name: 'next' },
  ]);
  expect((await readAll(link)).map((entry) => [entry.path, entry.linkTarget])).toEqual([
    [`${long}/l`, long],
    ['next', ''],
  ]);
});

test('pax records override, for one entry, and attributes keep their bytes', async () => {
  const capability = Uint8Array.of(1, 0, 0, 2, 0, 0x20, 0xff, 0xfe);
  const pax = {
    path: 'ä/b',
    linkpath: 'x y',
    uid: '3000000',
    gid: '4000000000',
    mtime: '-1.25',
    'SCHILY.xattr.security.capability': capability,
    'SCHILY.xattr.user.a=b': 'c\nd',
  };
  const [first, second] = await readAll(rawTar([{ name: 'a', type: '2', pax }, { name: 'b' }]));
  expect(first).toMatchObject({
    path: 'ä/b',
    linkTarget: 'x y',
    uid: 3_000_000,
    gid: 4_000_000_000,
    mtimeSeconds: -1.25,
  });
  expect([...(first?.xattrs ?? [])].map(([name, value]) => [name, [...value]])).toEqual([
    ['security.capability', [...capability]],
    ['user.a', [...Buffer.from('b=c\nd')]],
  ]);
  expect(second).toMatchObject({ path: 'b', uid: 0, mtimeSeconds: 0, linkTarget: '' });
  expect(second?.xattrs.size).toBe(0);
});

test('reads numbers in base 256, sizes of links as nothing, and old directories', async () => {
  const big = rawEntry({ name: 'f' });
  big.set([0x80, 0, 0, 0, 0, 0x4c, 0x4b, 0x40], 108);
  seal(big);
  const entries = await readAll(
    Buffer.concat([
      big,
      rawTar([
        { name: 'l', type: '1', link: 'f', size: 5 },
        { name: 'd/', type: '\0' },
      ]),
    ]),
  );
  expect(entries.map((entry) => [entry.kind, entry.uid, entry.sizeBytes])).toEqual([
    ['file', 5_000_000, 0],
    ['hardlink', 0, 0],
    ['directory', 0, 0],
  ]);
});

test('an archive may end without zeros, and reads what follows them', async () => {
  expect(await readAll(rawEntry({ name: 'a', content: 'x' }))).toHaveLength(1);
  expect(await readAll(Buffer.concat([rawTar([{ name: 'a' }]), Buffer.alloc(10_240)]))).toHaveLength(1);
  expect(await readAll(Buffer.alloc(0))).toEqual([]);
});

const sealed = (change: (block: Buffer) => void): Buffer => {
  const block = rawEntry({ name: 'a' });
  change(block);
  return seal(block);
};

test.each([
  ['no tar', Buffer.alloc(512, 'x'), 'corrupt: tar: a header has "xxxxxxxx" where a number is wanted'],
  [
    'a wrong checksum',
    Buffer.from(rawEntry({ name: 'a' })).fill('b', 0, 1),
    'corrupt: tar: a header has the wrong checksum',
  ],
  ['a short header', Buffer.alloc(100, 'x'), 'corrupt: tar: the archive is cut short'],
  [
    'short content',
    rawEntry({ name: 'a', content: 'x'.repeat(600) }).subarray(0, 900),
    'corrupt: tar: the archive is cut short',
  ],
  [
    'an entry after zeros',
    Buffer.concat([Buffer.alloc(512), rawEntry({ name: 'a' })]),
    'corrupt: tar: an entry follows a block of zeros',
  ],
  ['a name that is not UTF-8', rawEntry({ name: 'a\xff' }), 'corrupt: tar: name "aÿ" is not UTF-8'],
  [
    'a negative size',
    sealed((block) => block.fill(0xff, 124, 136)),
    'corrupt: tar: a header has size -1, wanted 0 to 9007199254740991',
  ],
  [
    'a size beyond counting',
    sealed((block) => block.fill(0x8f, 124, 136)),
    'corrupt: tar: a header has a number beyond 2^53',
  ],
  [
    'a device beyond the kernel’s',
    rawEntry({ name: 'a', type: '3', major: 0o7777777 }),
    'corrupt: tar: a header has device 2097151, wanted 0 to 4095',
  ],
  [
    'a sparse file of GNU with content and no map',
    rawEntry({ name: 'a', type: 'S', content: 'x' }),
    'corrupt: tar: "a" has another size than its sparse map',
  ],
  [
    'a sparse map of GNU that does not end',
    gnuSparse('a', [], { isExtended: true }),
    'corrupt: tar: a sparse map is cut short',
  ],
  [
    'a sparse map of GNU beyond its file',
    gnuSparse('a', [[8, 2]], { realSize: 9 }),
    'corrupt: tar: a sparse map is out of order',
  ],
  [
    'a sparse map of GNU that goes back',
    gnuSparse('a', [
      [4, 2],
      [0, 2],
    ]),
    'corrupt: tar: a sparse map is out of order',
  ],
  [
    'a pax sparse file without a size',
    rawEntry({ name: 'a', pax: { 'GNU.sparse.major': '1' } }),
    'corrupt: tar: a sparse map has no number where one is wanted',
  ],
  [
    'a sparse map that overlaps',
    rawEntry({ name: 'a', content: 'xx', pax: { 'GNU.sparse.size': '9', 'GNU.sparse.map': '4,1,4,1' } }),
    'corrupt: tar: a sparse map is out of order',
  ],
  [
    'a sparse map of more than there is',
    rawEntry({ name: 'a', content: 'x', pax: { 'GNU.sparse.size': '9', 'GNU.sparse.map': '0,2' } }),
    'corrupt: tar: "a" has another size than its sparse map',
  ],
  [
    'a sparse map without end',
    rawEntry({ name: 'a', content: '9'.repeat(512), pax: { 'GNU.sparse.major': '1', 'GNU.sparse.realsize': '9' } }),
    'corrupt: tar: a sparse map is cut short',
  ],
  ['a multi-volume part', rawEntry({ name: 'a', type: 'M' }), 'unsupported: tar: "a" has the unknown type "M"'],
  [
    'a huge pax header',
    rawEntry({ name: 'a', type: 'x', size: 2 ** 21 }),
    'corrupt: tar: an extended header has 2097152 bytes',
  ],
  ['a cut pax header', rawEntry({ name: 'a', type: 'x', size: 1000 }), 'corrupt: tar: the archive is cut short'],
  [
    'a malformed pax record',
    rawEntry({ name: 'a', type: 'x', content: '9 a=b\n' }),
    'corrupt: tar: a pax record is malformed',
  ],
  [
    'a pax record of no length',
    rawEntry({ name: 'a', type: 'x', content: '0 a=b\n' }),
    'corrupt: tar: a pax record is malformed',
  ],
  [
    'a pax size that is none',
    rawEntry({ name: 'a', pax: { size: '1e400' } }),
    'corrupt: tar: a header has size Infinity, wanted 0 to 9007199254740991',
  ],
])('refuses %s', async (_what, bytes, problem) => {
  expect(await problemOf(bytes)).toBe(problem);
});

const entryArbitrary: fc.Arbitrary<RawEntry> = fc.record({
  name: fc.stringMatching(/^[a-z][a-z/]{0,20}[a-z]$/),
  content: fc.string({ maxLength: 1500 }).map((text) => Buffer.from(text).toString('latin1')),
  mode: fc.integer({ min: 0, max: 0o7777 }),
  uid: fc.integer({ min: 0, max: 0o7777777 }),
});

test('reads the same whatever the chunks', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(entryArbitrary, { maxLength: 6 }),
      fc.array(fc.integer({ min: 1, max: 1200 }), { minLength: 1, maxLength: 20 }),
      async (entries, sizes) => {
        const content = entries.map((entry) => ({ ...entry, content: Buffer.from(entry.content ?? '') }));
        const read = await readAll(rawTar(content), ...sizes);
        expect(read.map(({ path, mode, uid, content: bytes }) => [path, mode, uid, bytes])).toEqual(
          content.map(({ name, mode = 0, uid = 0, content: bytes }) => [name, mode, uid, bytes.toString('latin1')]),
        );
      },
    ),
    { seed: 7, numRuns: 60 },
  );
});
