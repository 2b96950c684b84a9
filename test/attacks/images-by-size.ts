// Images that are larger than they look, or whose layers are not what the manifest says.
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { computeDigest } from '../../src/images/spec/digest.ts';
import { type RawEntry, rawEntry, rawTar } from '../support/images/raw-tar.ts';
import type { HostileLayer } from './hostile-images.ts';
import type { ImageAttack } from './image-attack.ts';

const MIB = 2 ** 20;
const bomb = Buffer.concat([rawEntry({ name: 'zeros', size: 64 * MIB }), Buffer.alloc(64 * MIB + 1024)]);
const padded = Buffer.concat([rawTar([{ name: 'f', content: 'x' }]), Buffer.alloc(64 * MIB)]);
const fine = rawTar([{ name: 'f', content: 'x'.repeat(5000) }]);
const packed = gzipSync(fine);

const pack = (tar: Uint8Array, compress: (bytes: Uint8Array) => Uint8Array): HostileLayer => ({
  blob: compress(tar),
  diffId: computeDigest(tar).text,
});

const small = ['--max-image-size=8Mi'];
const tooLarge = /image "docker:.*": unpacks to more than it may, and its limit is 8 MiB; raise it by --max-image-size/;
const tooMany = /has more than 512 files and directories, and its limit is 8 MiB/;

function refused(name: string, expected: RegExp, ...layers: readonly HostileLayer[]): ImageAttack {
  return { name, refused: expected, image: () => ({ layers }) };
}

function limited(name: string, expected: RegExp, ...layers: readonly HostileLayer[]): ImageAttack {
  return { ...refused(name, expected, ...layers), fetchOptions: small };
}

const files = (count: number): readonly RawEntry[] =>
  Array.from({ length: count }, (_, index) => ({ name: `f${index}`, content: '' }));
const nested = (count: number): readonly RawEntry[] =>
  Array.from({ length: count }, (_, index) => ({
    name: 'x',
    content: '',
    pax: { path: `${index}/${'d/'.repeat(150)}f` },
  }));
const oneMiB = pack(rawTar([{ name: 'f', content: Buffer.alloc(MIB) }]), (bytes) => gzipSync(bytes));

export const sizeAttacks: readonly ImageAttack[] = [
  limited(
    '64 MiB in a gzip of 64 KiB',
    tooLarge,
    pack(bomb, (bytes) => gzipSync(bytes)),
  ),
  limited(
    '64 MiB in a zstd of 6 KiB',
    tooLarge,
    pack(bomb, (bytes) => zstdCompressSync(bytes)),
  ),
  limited(
    '64 MiB behind the end of the archive',
    tooLarge,
    pack(padded, (bytes) => gzipSync(bytes)),
  ),
  limited('one small layer ten times', tooLarge, ...Array.from({ length: 10 }, () => oneMiB)),
  limited('more files than bytes', tooMany, files(600)),
  limited('more directories than entries', tooMany, nested(5)),
  limited('a layer that says that it is large', /has \d+ MiB of compressed layers, and its limit is 8 MiB/, {
    ...pack(fine, (bytes) => gzipSync(bytes)),
    size: 2 ** 40,
  }),
  refused('a layer that says that it is larger than any disk', /compressed layers, and its limit is 16384 MiB/, {
    blob: packed,
    size: Number.MAX_SAFE_INTEGER,
  }),
  refused('128 layers', /layers: found 129 items, wanted at most 127/, ...Array.from({ length: 128 }, () => oneMiB)),
  refused('another content than the configuration says', /the content has the digest sha256:/, {
    blob: packed,
    diffId: computeDigest('x').text,
  }),
  refused('more content than the manifest says', /more than its 10 bytes come/, {
    blob: packed,
    diffId: computeDigest(fine).text,
    size: 10,
  }),
  refused(
    'a gzip that is cut short',
    /decompress layer|the archive is cut short/,
    pack(fine, () => packed.subarray(0, 40)),
  ),
  refused(
    'a gzip with something behind it',
    /decompress layer|digest/,
    pack(fine, () => Buffer.concat([packed, Buffer.from('junk')])),
  ),
  refused(
    'a zstd that is cut short',
    /the content has the digest/,
    pack(fine, (bytes) => zstdCompressSync(bytes).subarray(0, 20)),
  ),
  refused('something else than an archive', /tar: a header has|tar: the archive is cut short/, {
    blob: Buffer.alloc(2048, 'x'),
  }),
  refused(
    'an archive in two compressions',
    /tar: /,
    pack(packed, (bytes) => gzipSync(bytes)),
  ),
  {
    name: '120 layers, of which each hides the one before',
    image: () => ({ layers: Array.from({ length: 120 }, () => [{ name: 'f', content: 'x' }]) }),
    script: () => 'cat /f',
    prints: /^x$/,
  },
  {
    name: 'a layer of nothing',
    image: () => ({ layers: [{ blob: new Uint8Array(0) }] }),
    script: () => 'echo ok',
    prints: /^ok$/,
  },
];
