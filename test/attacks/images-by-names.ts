// Images with names that terminals, file systems and parsers trip over.
import { gzipSync } from 'node:zlib';
import { computeDigest } from '../../src/images/spec/digest.ts';
import { gnuSparse, type RawEntry, rawEntry, rawTar } from '../support/images/raw-tar.ts';
import type { ImageAttack } from './image-attack.ts';
import { HOSTILE } from './text.ts';

function refused(name: string, expected: RegExp, ...entries: readonly RawEntry[]): ImageAttack {
  return { name, refused: expected, image: () => ({ layers: [entries] }) };
}

function contained(name: string, script: string, prints: RegExp, ...entries: readonly RawEntry[]): ImageAttack {
  return { name, script: () => script, prints, image: () => ({ layers: [entries] }) };
}

const named = (path: string | Uint8Array): RawEntry => ({ name: 'x', content: 'x', pax: { path } });

/** The size in a header says more than there is. */
const lying = Buffer.concat([rawEntry({ name: 'f', content: 'x', size: 2 ** 32 }), Buffer.alloc(1024)]);
const flood = Buffer.concat([
  ...Array.from({ length: 20 }, () => rawEntry({ name: 'g', type: 'g', content: 'x' })),
  rawTar([]),
]);

function archive(tar: Uint8Array) {
  return { layers: [{ blob: gzipSync(tar), diffId: computeDigest(tar).text }] };
}

export const nameAttacks: readonly ImageAttack[] = [
  contained('a name of control characters', 'ls / | wc -l', /^\d+$/, named(HOSTILE)),
  refused('a name of control characters that climbs', /leaves the image/, named(`${HOSTILE}/../../x`)),
  refused('a name that is not UTF-8', /is not UTF-8/, named(Uint8Array.of(0xff, 0xfe))),
  refused(
    'a name that is not UTF-8 and moves the cursor',
    /is not UTF-8/,
    named(Uint8Array.of(0x1b, 0x5b, 0x32, 0x4a, 0xff)),
  ),
  refused('a name with NUL', /a name holds a NUL/, named('a\0b')),
  refused('an empty name', /wants to replace the root/, { name: '', content: 'x' }),
  refused('a name of dots and slashes', /wants to replace the root/, named('/.//./.')),
  refused('a name of 256 letters', /name is too long/, named('x'.repeat(256))),
  refused('a path of 5000 letters', /name is too long/, named('x/'.repeat(2500))),
  refused('a path of 201 directories', /is in more than 200 directories/, named(`${'d/'.repeat(201)}f`)),
  contained('a path of 190 directories', 'ls /d/d/d/d | wc -l', /^1$/, named(`${'d/'.repeat(190)}f`)),
  refused('a pax header that says less than it has', /a pax record is malformed/, {
    name: 'x',
    type: 'x',
    content: '30 path=x\n',
  }),
  refused('a pax header of 2 MiB', /an extended header has \d+ bytes/, {
    name: 'x',
    type: 'x',
    content: 'x'.repeat(2 ** 21),
  }),
  refused('an attribute that no file system takes', /layer entry "x": cannot be written/, {
    name: 'x',
    content: 'x',
    pax: { [`SCHILY.xattr.user.${'a'.repeat(300)}`]: 'x' },
  }),
  refused('a sparse file of GNU without its map', /has another size than its sparse map/, {
    name: 'x',
    type: 'S',
    content: 'x',
  }),
  {
    name: 'a sparse file of GNU, 1 TiB of nothing',
    refused: /unpacks to more than it may/,
    image: () => archive(gnuSparse('x', [], { realSize: 2 ** 40 })),
  },
  refused('a sparse file of 1 TiB of nothing', /unpacks to more than it may/, {
    name: 'x',
    pax: { 'GNU.sparse.size': '1099511627776', 'GNU.sparse.map': '' },
  }),
  refused('a file of less than nothing', /size -1, wanted/, { name: 'x', pax: { size: '-1' } }),
  refused('a user below nobody', /uid -1, wanted/, { name: 'x', pax: { uid: '-1' } }),
  refused('a user beyond all', /uid 4294967295, wanted/, { name: 'x', pax: { uid: '4294967295' } }),
  refused('a time that is none', /no number where a time is wanted/, { name: 'x', pax: { mtime: 'x' } }),
  { name: 'a size that is not there', refused: /the archive is cut short/, image: () => archive(lying) },
  {
    name: 'a flood of extended headers',
    refused: /more than 16 extended headers precede an entry/,
    image: () => archive(flood),
  },
];
