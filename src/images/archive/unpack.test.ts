import { afterEach, beforeEach, expect, test } from 'bun:test';
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { inChunks, type RawEntry, rawTar } from '../../../test/support/images/raw-tar.ts';
import { describeError, OcicatError } from '../../base/errors.ts';
import { decompress } from './decompress.ts';
import { readTar } from './tar.ts';
import { unpackLayer } from './unpack.ts';

let dir = '';
let root = '';
const signal = new AbortController().signal;
const addEntry = (): void => {};
const addBytes = (): void => {};

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'ocicat-unpack-'));
  root = join(dir, 'layer');
});

afterEach(() => rmSync(dir, { recursive: true, force: true }));

async function unpack(entries: readonly RawEntry[], lowerRoots: readonly string[] = []): Promise<void> {
  await unpackLayer({ chunks: inChunks(rawTar(entries), 700), root, lowerRoots, addEntry, addBytes, signal });
}

async function problemOf(entries: readonly RawEntry[]): Promise<string> {
  try {
    await unpack(entries);
    return 'accepted';
  } catch (error) {
    if (error instanceof OcicatError) return describeError(error);
    throw error;
  }
}

/** Every path below a directory with what it is: type, mode, owner, and content or target; sorted. */
function list(at: string, prefix = ''): readonly string[] {
  return readdirSync(at)
    .sort()
    .flatMap((name) => {
      const path = join(at, name);
      const stats = lstatSync(path);
      const mode = (stats.mode & 0o7777).toString(8).padStart(4, '0');
      const head = `${prefix}${name} ${mode} ${stats.uid}:${stats.gid}`;
      if (stats.isDirectory()) return [`${head} directory`, ...list(path, `${prefix}${name}/`)];
      if (stats.isSymbolicLink()) return [`${prefix}${name} -> ${readlinkSync(path)}`];
      if (stats.isFile()) return [`${head} ${JSON.stringify(readFileSync(path, 'utf8'))}`];
      if (stats.isFIFO()) return [`${head} fifo`];
      const type = stats.isBlockDevice() ? 'block' : 'character';
      return [`${head} ${type} ${Math.floor(stats.rdev / 256)}/${stats.rdev % 256}`];
    });
}

/** Extended attributes as GNU tar finds them, values in hex. */
async function xattrs(path: string): Promise<Readonly<Record<string, string>>> {
  const flags = ['--xattrs', '--xattrs-include=*', '--no-recursion', '--format=posix'];
  const made = Bun.spawnSync(['tar', ...flags, '-C', root, '-cf', '-', path]);
  if (made.exitCode !== 0) throw new Error(made.stderr.toString());
  for await (const item of readTar(inChunks(made.stdout))) {
    if (item.kind !== 'entry') continue;
    return Object.fromEntries(
      [...item.entry.xattrs].map(([name, value]) => [name, Buffer.from(value).toString('hex')]),
    );
  }
  throw new Error('no entry');
}

test('unpacks every kind of entry with mode, owner and time', async () => {
  await unpack([
    { name: './', type: '5', mode: 0o755 },
    { name: './bin/', type: '5', mode: 0o755, mtime: 1000 },
    { name: './bin/su', content: 'setuid', mode: 0o4755, uid: 1, gid: 2, mtime: 1234 },
    { name: './bin/hard', type: '1', link: './bin/su' },
    { name: './bin/soft', type: '2', link: '/etc/../../passwd', uid: 5 },
    { name: './tmp/', type: '5', mode: 0o1777 },
    { name: './dev/null', type: '3', major: 1, minor: 3, mode: 0o666 },
    { name: './dev/loop', type: '4', major: 7, minor: 5, mode: 0o660, gid: 6 },
    { name: './run/pipe', type: '6', mode: 0o600 },
    { name: '/absolute', content: 'below the root' },
  ]);
  expect(list(root)).toEqual([
    'absolute 0644 0:0 "below the root"',
    'bin 0755 0:0 directory',
    'bin/hard 4755 1:2 "setuid"',
    'bin/soft -> /etc/../../passwd',
    'bin/su 4755 1:2 "setuid"',
    'dev 0755 0:0 directory',
    'dev/loop 0660 0:6 block 7/5',
    'dev/null 0666 0:0 character 1/3',
    'run 0755 0:0 directory',
    'run/pipe 0600 0:0 fifo',
    'tmp 1777 0:0 directory',
  ]);
  expect(lstatSync(join(root, 'bin/su')).ino).toBe(lstatSync(join(root, 'bin/hard')).ino);
  expect(lstatSync(join(root, 'bin/su')).mtimeMs).toBe(1_234_000);
  expect(lstatSync(join(root, 'bin')).mtimeMs).toBe(1_000_000);
  expect(lstatSync(join(root, 'bin/soft')).uid).toBe(5);
});

test('keeps file capabilities and drops attributes that belong to the host', async () => {
  const capability = Uint8Array.of(1, 0, 0, 2, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
  await unpack([
    {
      name: 'ping',
      content: 'x',
      mode: 0o755,
      uid: 3,
      pax: {
        'SCHILY.xattr.security.capability': capability,
        'SCHILY.xattr.trusted.overlay.redirect': '/etc',
        'SCHILY.xattr.security.selinux': 'x',
      },
    },
  ]);
  expect(await xattrs('ping')).toEqual({ 'security.capability': Buffer.from(capability).toString('hex') });
});

test('whiteouts become overlay marks, and hide only what is below', async () => {
  await unpack([
    { name: 'a/.wh.gone' },
    { name: 'opaque/.wh..wh..opq' },
    { name: 'opaque/new', content: 'n' },
    { name: 'file', content: 'same layer' },
    { name: '.wh.file' },
    { name: '.wh.later' },
    { name: 'later/x', content: 'x' },
    { name: 'dir/y', content: 'y' },
    { name: '.wh.dir' },
    { name: '.wh.again' },
    { name: 'again', type: '5', mode: 0o700 },
    { name: '.wh..wh.plnk' },
  ]);
  expect(list(root)).toEqual([
    'a 0755 0:0 directory',
    'a/gone 0000 0:0 character 0/0',
    'again 0700 0:0 directory',
    'dir 0755 0:0 directory',
    'dir/y 0644 0:0 "y"',
    'file 0644 0:0 "same layer"',
    'later 0755 0:0 directory',
    'later/x 0644 0:0 "x"',
    'opaque 0755 0:0 directory',
    'opaque/new 0644 0:0 "n"',
  ]);
  for (const [name, isOpaque] of [
    ['opaque', true],
    ['later', true],
    ['dir', true],
    ['again', true],
    ['a', false],
  ] as const) {
    expect([name, await xattrs(name)]).toEqual([name, isOpaque ? { 'trusted.overlay.opaque': '79' } : {}]);
  }
});

test('a later entry replaces an earlier one', async () => {
  await unpack([
    { name: 'f', content: 'one' },
    { name: 'f', content: 'two', mode: 0o600 },
    { name: 'd/x', content: 'x' },
    { name: 'd', type: '2', link: 'elsewhere' },
    { name: 'l', type: '2', link: 'f' },
    { name: 'l', content: 'not through the link' },
    { name: 'k', type: '2', link: 'f' },
    { name: 'k/', type: '5', mode: 0o700 },
    { name: 'e/', type: '5', mode: 0o700 },
    { name: 'e/x', content: 'kept' },
    { name: 'e/', type: '5', mode: 0o750 },
    { name: 'f', type: '1', link: 'f' },
  ]);
  expect(list(root)).toEqual([
    'd -> elsewhere',
    'e 0750 0:0 directory',
    'e/x 0644 0:0 "kept"',
    'f 0600 0:0 "two"',
    'k 0700 0:0 directory',
    'l 0644 0:0 "not through the link"',
  ]);
});

test('parents that the layer leaves out look as they do below', async () => {
  const lower = join(dir, 'lower');
  await unpackLayer({
    chunks: inChunks(
      rawTar([
        { name: './', type: '5', mode: 0o711 },
        { name: 'tmp/', type: '5', mode: 0o1777 },
        { name: 'home/me/', type: '5', mode: 0o700, uid: 1000, gid: 100 },
        { name: 'link', type: '2', link: 'tmp' },
      ]),
    ),
    root: lower,
    lowerRoots: [],
    addEntry,
    addBytes,
    signal,
  });
  await unpack(
    [
      { name: 'tmp/a', content: '' },
      { name: 'home/me/b', content: '' },
      { name: 'link/c', content: '' },
    ],
    [lower],
  );
  expect(list(root).filter((line) => line.endsWith('directory'))).toEqual([
    'home 0755 0:0 directory',
    'home/me 0700 1000:100 directory',
    'link 0755 0:0 directory',
    'tmp 1777 0:0 directory',
  ]);
  expect(lstatSync(root).mode & 0o777).toBe(0o711);
});

test('a link planted earlier leads nowhere outside', async () => {
  const outside = join(dir, 'outside');
  mkdirSync(outside);
  writeFileSync(join(outside, 'secret'), 'secret');
  await unpack([
    { name: 'absolute', type: '2', link: outside },
    { name: 'climbing', type: '2', link: '../outside' },
    { name: 'root', type: '2', link: '/../../../../..' },
    { name: 'here', type: '2', link: '.' },
    { name: 'here/here/through', content: 'inside' },
    { name: 'root/also', content: 'inside' },
    { name: 'proc', type: '2', link: '/proc/self/fd' },
  ]);
  expect(await problemOfMore({ name: 'absolute/planted', content: 'x' })).toBe(
    'layer: "absolute" is no directory, but has entries below it',
  );
  expect(await problemOfMore({ name: 'climbing/planted', content: 'x' })).toBe(
    'layer: "climbing" is no directory, but has entries below it',
  );
  expect(readdirSync(outside)).toEqual(['secret']);
  expect(list(root).filter((line) => line.includes('inside'))).toEqual([
    'also 0644 0:0 "inside"',
    'through 0644 0:0 "inside"',
  ]);

  /** The same archive with one entry more. */
  async function problemOfMore(entry: RawEntry): Promise<string> {
    rmSync(root, { recursive: true });
    return problemOf([
      { name: 'absolute', type: '2', link: outside },
      { name: 'climbing', type: '2', link: '../outside' },
      { name: 'also', content: 'inside' },
      { name: 'through', content: 'inside' },
      entry,
    ]);
  }
});

test.each([
  ['climbs out', [{ name: '../evil', content: 'x' }], 'layer entry "../evil": leaves the image'],
  ['climbs out from within', [{ name: 'a/../../evil', content: 'x' }], 'layer entry "a/../../evil": leaves the image'],
  ['climbs out as a whiteout', [{ name: '../.wh.evil' }], 'layer entry "../.wh.evil": leaves the image'],
  ['whites out its parent', [{ name: 'a/.wh...' }], 'layer entry "a/.wh...": is a whiteout of nothing'],
  ['whites out nothing', [{ name: 'a/.wh.' }], 'layer entry "a/.wh.": is a whiteout of nothing'],
  [
    'links outside',
    [{ name: 'a', type: '1', link: '../../etc/passwd' }],
    'layer entry "../../etc/passwd": leaves the image',
  ],
  [
    'links to the host’s file',
    [{ name: 'a', type: '1', link: '/etc/passwd' }],
    'layer entry "a": hard link target "etc/passwd" is no file of this layer or of those below',
  ],
  [
    'links through a planted link',
    [
      { name: 'l', type: '2', link: '/etc' },
      { name: 'a', type: '1', link: 'l/passwd' },
    ],
    'layer entry "a": hard link target "l/passwd" is no file of this layer or of those below',
  ],
  [
    'links to a directory',
    [
      { name: 'd/', type: '5' },
      { name: 'a', type: '1', link: 'd' },
    ],
    'layer entry "a": hard link target "d" is no file of this layer or of those below',
  ],
  [
    'links to the root',
    [{ name: 'a', type: '1', link: '/' }],
    'layer entry "a": hard link target "" is no file of this layer or of those below',
  ],
  [
    'links to a whiteout',
    [{ name: '.wh.w' }, { name: 'a', type: '1', link: 'w' }],
    'layer entry "a": hard link target "w" is no file of this layer or of those below',
  ],
  ['replaces the root', [{ name: './', type: '2', link: '/' }], 'layer entry "./": wants to replace the root'],
  [
    'makes a whiteout by hand',
    [{ name: 'a', type: '3', major: 0, minor: 0 }],
    'layer entry "a": device 0/0 is a whiteout, wanted .wh.NAME',
  ],
  [
    'goes through a file',
    [
      { name: 'f', content: 'x' },
      { name: 'f/a', content: 'x' },
    ],
    'layer: "f" is no directory, but has entries below it',
  ],
  [
    'goes through a device',
    [
      { name: 'f', type: '3', major: 1, minor: 3 },
      { name: 'f/a', content: 'x' },
    ],
    'layer: "f" is no directory, but has entries below it',
  ],
  [
    'has an endless link',
    [
      { name: 'l', type: '2', link: 'l' },
      { name: 'l/a', content: 'x' },
    ],
    'layer entry "l/a": cannot be written: openat2 "l": ELOOP',
  ],
  [
    'has a name too long',
    [{ name: 'x', pax: { path: 'n'.repeat(256) } }],
    `layer entry "${'n'.repeat(80)}...": name is too long`,
  ],
  [
    'has a path too long',
    [{ name: 'x', pax: { path: 'ab/'.repeat(1400) } }],
    `layer entry "${'ab/'.repeat(27).slice(0, 80)}...": name is too long`,
  ],
  ['is no tar', [{ name: 'x', type: 'Z' }], 'tar: "x" has the unknown type "Z"'],
] as readonly (readonly [string, readonly RawEntry[], string])[])(
  'refuses an archive that %s',
  async (_what, entries, problem) => {
    expect(await problemOf(entries)).toBe(problem);
    expect(readdirSync(dir)).toEqual(['layer']);
  },
);

test('stops when told to', async () => {
  const controller = new AbortController();
  async function* chunks(): AsyncGenerator<Uint8Array> {
    yield rawTar([{ name: 'a', content: 'x' }]).subarray(0, 1024);
    controller.abort();
    yield rawTar([{ name: 'b', content: 'x' }]);
  }
  expect(
    unpackLayer({ chunks: chunks(), root, lowerRoots: [], addEntry, addBytes, signal: controller.signal }),
  ).rejects.toThrow('interrupted');
});

test('undoes gzip and zstd, whole, in members and in small pieces, and refuses what is broken', async () => {
  const plain = Buffer.from('some text, '.repeat(1000));
  async function undo(bytes: Uint8Array, size: number): Promise<string> {
    const parts: Uint8Array[] = [];
    for await (const part of decompress(inChunks(bytes, size))) parts.push(part);
    return Buffer.concat(parts).toString();
  }
  for (const pack of [gzipSync, zstdCompressSync]) {
    expect(await undo(pack(plain), 1)).toBe(plain.toString());
    expect(await undo(Buffer.concat([pack(plain), pack(plain)]), 50)).toBe(plain.toString().repeat(2));
  }
  expect(await undo(plain, 3)).toBe(plain.toString());
  expect(await undo(Buffer.alloc(0), 3)).toBe('');
  expect(undo(gzipSync(plain).subarray(0, -10), 50)).rejects.toThrow('decompress layer: Z_BUF_ERROR');
  expect(undo(gzipSync(plain).fill(0xff, 20, 40), 50)).rejects.toThrow('decompress layer: Z_DATA_ERROR');
});

/** Two layers that are unpacked already, the top-most first: what each holds is written as it is. */
async function unpackBelow(...layers: readonly (readonly RawEntry[])[]): Promise<readonly string[]> {
  const roots: string[] = [];
  for (const [index, entries] of layers.entries()) {
    const at = join(dir, `below-${index}`);
    const chunks = inChunks(rawTar(entries), 700);
    await unpackLayer({ chunks, root: at, lowerRoots: roots, addEntry, addBytes, signal });
    roots.unshift(at);
  }
  return roots;
}

test('a hard link to a file of a layer below', async () => {
  const pax = { 'SCHILY.xattr.user.note': 'kept' };
  const roots = await unpackBelow(
    [
      { name: 'usr/bin/tool', content: 'tool', mode: 0o4755, uid: 3, gid: 4, pax },
      { name: 'l', type: '2', link: 'usr' },
      { name: 'old/x', content: 'hidden' },
    ],
    [{ name: 'usr/share/', type: '5' }, { name: 'old/.wh..wh..opq' }, { name: 'old/y', content: 'shown' }],
  );
  await unpack(
    [
      { name: 'bin/tool', type: '1', link: 'usr/bin/tool' },
      { name: 'link', type: '1', link: 'l' },
      { name: 'y', type: '1', link: '/old/y' },
      { name: 'usr/bin/.wh.tool' },
    ],
    roots,
  );
  expect(list(root)).toEqual([
    'bin 0755 0:0 directory',
    'bin/tool 4755 3:4 "tool"',
    'link -> usr',
    'usr 0755 0:0 directory',
    'usr/bin 0755 0:0 directory',
    'usr/bin/tool 0000 0:0 character 0/0',
    'y 0644 0:0 "shown"',
  ]);
  expect(lstatSync(join(root, 'bin/tool')).ino).toBe(lstatSync(join(roots[1] ?? '', 'usr/bin/tool')).ino);
});

test.each([
  ['was deleted in between', 'gone/file'],
  ['lies in a directory that was deleted', 'deleted/file'],
  ['lies under an opaque directory', 'opaque/file'],
  ['lies behind a link', 'l/file'],
  ['is a directory there', 'deep'],
  ['is covered by a file', 'turned/file'],
  ['is hidden by this very layer', 'here/file'],
  ['lies in a directory that this very layer empties', 'emptied/file'],
])('refuses a hard link to a file below that %s', async (_what, target) => {
  const names = ['gone', 'deleted', 'opaque', 'deep', 'turned', 'here', 'emptied'];
  const roots = await unpackBelow(
    [...names.map((name) => ({ name: `${name}/file`, content: 'x' })), { name: 'l', type: '2', link: 'deep' }],
    [
      { name: 'gone/.wh.file' },
      { name: '.wh.deleted' },
      { name: 'opaque/.wh..wh..opq' },
      { name: 'turned', content: 'now a file' },
    ],
  );
  const own = [{ name: 'here/.wh.file' }, { name: 'emptied/.wh..wh..opq' }];
  expect(unpack([...own, { name: 'a', type: '1', link: target }], roots)).rejects.toThrow(
    `hard link target "${target}" is no file of this layer or of those below`,
  );
});

const patchy =
  'dd if=/dev/zero of=f bs=1 count=0 seek=3M; printf begin | dd of=f conv=notrunc; printf middle | dd of=f bs=1 seek=1M conv=notrunc';

/** More pieces than a header of GNU, or one block behind it, has room for. */
const manyPieces = 'for i in $(seq 60); do printf "$i" | dd of=f bs=1 seek=$((i * 50000)) conv=notrunc; done';

test.each([
  ['posix --sparse-version=0.0', ':'],
  ['posix --sparse-version=0.1', ':'],
  ['posix --sparse-version=1.0', ':'],
  ['posix --sparse-version=1.0', manyPieces],
  ['gnu', ':'],
  ['gnu', manyPieces],
  ['oldgnu', manyPieces],
])('a sparse file as GNU tar writes it with --format=%s, %s', async (format, more) => {
  const source = join(dir, 'source');
  mkdirSync(source);
  const tar = `tar --sparse --format=${format} -cf ../sparse.tar f`;
  const script = `(${patchy}; ${more}) 2>/dev/null; echo after > g; ${tar} g`;
  const made = Bun.spawnSync(['sh', '-ec', script], { cwd: source });
  expect(made.exitCode).toBe(0);
  const archive = readFileSync(join(dir, 'sparse.tar'));
  expect(archive.length).toBeLessThan(400_000);
  const holes: number[] = [];
  const request = { chunks: inChunks(archive, 700), root, lowerRoots: [], addEntry, signal };
  await unpackLayer({ ...request, addBytes: (bytes) => holes.push(bytes) });
  expect(readFileSync(join(root, 'f')).equals(readFileSync(join(source, 'f')))).toBe(true);
  expect(readFileSync(join(root, 'g'), 'utf8')).toBe('after\n');
  expect(holes.reduce((sum, bytes) => sum + bytes, 0)).toBeGreaterThan(2 ** 21);
});
