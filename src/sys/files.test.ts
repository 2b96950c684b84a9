import { afterEach, beforeEach, expect, test } from 'bun:test';
import {
  closeSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createFile, openLogFile, readRegularFile } from './files.ts';
import { replaceFile } from './replace-file.ts';

let folder: string;
let victim: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ocitest-files-'));
  victim = join(folder, 'victim');
  writeFileSync(victim, 'as it was', { mode: 0o600 });
});
afterEach(() => rmSync(folder, { recursive: true }));

const at = (name: string) => join(folder, name);

/** What an attacker can leave at the name that root is about to write. */
const plants: readonly (readonly [what: string, plant: () => void])[] = [
  ['a link to a file', () => symlinkSync(victim, at('name'))],
  ['a link that leads nowhere', () => symlinkSync(at('elsewhere'), at('name'))],
  ['a link to a directory', () => symlinkSync(folder, at('name'))],
  ['a pipe', () => void Bun.spawnSync(['mkfifo', at('name')])],
  ['a directory', () => mkdirSync(at('name'))],
];

test.each(plants)('%s at the name of a file is refused, and nothing is written', (_, plant) => {
  plant();
  const before = readdirSync(folder).sort();
  for (const write of [
    () => createFile(at('name'), 'evil', 0o644),
    () => replaceFile(at('name'), 'evil', 0o644),
    () => closeSync(openLogFile(at('name'), 0o644)),
  ]) {
    expect(write).toThrow();
  }
  expect([readdirSync(folder).sort(), readFileSync(victim, 'utf8')]).toEqual([before, 'as it was']);
});

test('a hard link at the name of a file is replaced, and the other name keeps its content', () => {
  linkSync(victim, at('name'));
  expect(() => createFile(at('name'), 'evil', 0o644)).toThrow('EEXIST');
  replaceFile(at('name'), 'new', 0o644);
  expect([readFileSync(at('name'), 'utf8'), readFileSync(victim, 'utf8')]).toEqual(['new', 'as it was']);
  expect(statSync(at('name')).mode & 0o777).toBe(0o644);
  expect(readdirSync(folder).sort()).toEqual(['name', 'victim']);
});

test('a file that cannot be written leaves nothing', () => {
  expect(() => replaceFile(join(folder, 'missing/name'), 'x', 0o644)).toThrow('write "');
  expect(existsSync(join(folder, 'missing'))).toBe(false);
});

test('a log is made, and written at its end', () => {
  for (const line of ['one\n', 'two\n']) {
    const fd = openLogFile(at('log'), 0o600);
    writeSync(fd, line);
    closeSync(fd);
  }
  expect(readFileSync(at('log'), 'utf8')).toBe('one\ntwo\n');
});

test('only plain files of a bounded size are read', () => {
  expect(Buffer.from(readRegularFile(victim, 9)).toString()).toBe('as it was');
  expect(() => readRegularFile(victim, 8)).toThrow('it has 9 bytes, wanted at most 8');
  expect(() => readRegularFile(at('missing'), 8)).toThrow('no such file or directory');
  for (const odd of ['/dev/zero', folder]) expect(() => readRegularFile(odd, 8)).toThrow('it is not a regular file');
});
