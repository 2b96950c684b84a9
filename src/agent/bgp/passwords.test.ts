import { afterAll, expect, test } from 'bun:test';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readBgpPassword } from './passwords.ts';

const folder = mkdtempSync(join(tmpdir(), 'ocitest-passwords-'));
afterAll(() => rmSync(folder, { recursive: true }));

function write(key: string, content: string | Uint8Array, mode = 0o600): void {
  writeFileSync(join(folder, 'rack', key), content, { mode });
}

mkdirSync(join(folder, 'rack'), { mode: 0o700 });
const read = (key: string, name = 'rack') => readBgpPassword(folder, { name, key });
const why = (key: string, name?: string) => {
  const password = read(key, name);
  return password.kind === 'missing' ? password.why : 'found';
};

test('a password is what its file holds, without the end of the line', () => {
  write('one', 'a b;}\n');
  write('eighty', 'x'.repeat(80));
  expect(read('one')).toEqual({ kind: 'found', text: 'a b;}' });
  expect(read('eighty')).toEqual({ kind: 'found', text: 'x'.repeat(80) });
});

test('what cannot be a password is none, and its text is in no reason', () => {
  const faults = {
    empty: '\n',
    long: 'x'.repeat(81),
    quote: 'a"b',
    lines: 'a\nb',
    bytes: Uint8Array.of(0),
    large: 'x'.repeat(5000),
  };
  for (const [key, content] of Object.entries(faults)) write(key, content);
  expect(Object.keys(faults).map((key) => [key, why(key)])).toEqual([
    ['empty', 'it is empty'],
    ['long', 'it has more than 80 bytes'],
    ['quote', 'it has other letters than those of ASCII without "'],
    ['lines', 'it has other letters than those of ASCII without "'],
    ['bytes', 'it has other letters than those of ASCII without "'],
    ['large', 'its file is too large'],
  ]);
});

test('a name leads nowhere else', () => {
  writeFileSync(join(folder, 'outside'), 'x', { mode: 0o600 });
  const names = ['../outside', '..', '.', '', 'a/b', '.hidden'];
  for (const name of names) expect(why(name)).toBe('that is not the name of a file');
  expect(why('outside', '..')).toBe('that is not the name of a file');
  symlinkSync('one', join(folder, 'rack', 'link'));
  symlinkSync('rack', join(folder, 'rock'));
  expect(why('link')).toBe('its file is a link, and links are not followed');
  expect(why('one', 'rock')).toContain('is a link, and links are not followed');
});

test('what others can read or exchange is refused', () => {
  write('group', 'x', 0o640);
  expect(why('group')).toBe('others than root may read its file');
  chmodSync(join(folder, 'rack'), 0o777);
  expect(why('one')).toContain('others than root may write');
  chmodSync(join(folder, 'rack'), 0o700);
});

test('a pipe is not waited for', () => {
  Bun.spawnSync(['mkfifo', '-m', '600', join(folder, 'rack', 'pipe')]);
  expect(why('pipe')).toBe('its file is not a regular file');
  expect(why('nowhere')).toBe('there is no such file');
});
