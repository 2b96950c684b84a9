import { afterAll, expect, test } from 'bun:test';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openExclusiveLock, tryLockDirectory, tryOpenExclusiveLock } from './lock.ts';

const folder = mkdtempSync(join(tmpdir(), 'ocicat-lock-'));
afterAll(() => rmSync(folder, { recursive: true }));

test('a file and a directory have one holder, until it closes them', () => {
  for (const [path, take] of [
    [join(folder, 'lock'), tryOpenExclusiveLock],
    [folder, tryLockDirectory],
  ] as const) {
    const held = take(path);
    expect(held).toBeDefined();
    expect(take(path)).toBeUndefined();
    held?.close();
    take(path)?.close();
  }
});

test('a lock is never taken through a link', () => {
  writeFileSync(join(folder, 'victim'), '');
  symlinkSync(join(folder, 'victim'), join(folder, 'link'));
  symlinkSync(folder, join(folder, 'here'));
  expect(() => tryOpenExclusiveLock(join(folder, 'link'))).toThrow('ELOOP');
  expect(() => tryLockDirectory(join(folder, 'here'))).toThrow('ENOTDIR');
});

test('whoever waits for a file that its holder removes gets the one in its place', async () => {
  const path = join(folder, 'removed');
  const first = tryOpenExclusiveLock(path);
  const { promise: waiting, resolve } = Promise.withResolvers<void>();
  const second = openExclusiveLock(path, resolve, new AbortController().signal);
  await waiting;
  rmSync(path);
  first?.close();
  const held = await second;
  expect(tryOpenExclusiveLock(path)).toBeUndefined();
  held.close();
});
