import { afterAll, expect, test } from 'bun:test';
import {
  chmodSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { putFile, putLink } from './put.ts';

const folder = mkdtempSync(join(tmpdir(), 'ocitest-put-'));
afterAll(() => rmSync(folder, { recursive: true }));
const source = join(folder, 'source');
const modeOf = (path: string) => lstatSync(path).mode & 0o7777;

test('a file is put with the mode that is wanted, whatever that of its source, and of what was there', () => {
  writeFileSync(source, 'new');
  chmodSync(source, 0o4777);
  const target = join(folder, 'deep/target');
  expect(putFile(source, target, 0o755)).toBe(true);
  expect([readFileSync(target, 'utf8'), modeOf(target)]).toEqual(['new', 0o755]);
  expect(putFile(source, target, 0o755)).toBe(false);
  chmodSync(target, 0o6755);
  expect(putFile(source, target, 0o755)).toBe(true);
  expect(modeOf(target)).toBe(0o755);
});

test('who has the old file open goes on with it', () => {
  const target = join(folder, 'open');
  writeFileSync(target, 'old');
  const before = lstatSync(target).ino;
  putFile(source, target, 0o644);
  expect(lstatSync(target).ino).not.toBe(before);
});

test('a link is put in the place of a link, and is not followed', () => {
  const path = join(folder, 'link');
  expect(putLink(path, source)).toBe(true);
  expect(putLink(path, source)).toBe(false);
  expect(putLink(path, '/elsewhere')).toBe(true);
  expect(readlinkSync(path)).toBe('/elsewhere');
  expect(putFile(source, path, 0o644)).toBe(true);
  expect(lstatSync(path).isFile()).toBe(true);
});

test('what a kill has left beside is replaced, be it a link to somewhere else', () => {
  const [target, victim] = [join(folder, 'killed'), join(folder, 'victim')];
  writeFileSync(victim, 'mine');
  putLink(`${target}.new`, victim);
  putFile(source, target, 0o644);
  expect(readFileSync(victim, 'utf8')).toBe('mine');
  expect(readdirSync(folder).filter((name) => name.endsWith('.new'))).toEqual([]);
});
