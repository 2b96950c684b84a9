import { afterAll, expect, test } from 'bun:test';
import { mkdtempSync, readFileSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as libc from './libc.ts';

const folder = mkdtempSync(join(tmpdir(), 'libc-'));
afterAll(() => rmSync(folder, { recursive: true }));

test('a refused call throws with its errno and subject', () => {
  expect(() => libc.open('/nonexistent/file', libc.O_RDONLY)).toThrow('open "/nonexistent/file": ENOENT');
});

test('openat2 keeps a link inside the root', () => {
  writeFileSync(join(folder, 'passwd'), 'inside');
  symlinkSync('/passwd', join(folder, 'link'));
  const dir = libc.open(folder, libc.O_PATH | libc.O_DIRECTORY);
  const fd = libc.openat2(dir, 'link', libc.O_RDONLY, 0, libc.RESOLVE_IN_ROOT);
  expect(readFileSync(fd, 'utf8')).toBe('inside');
  expect(() => libc.openat2(dir, '../../../../etc/hostname', libc.O_RDONLY, 0, libc.RESOLVE_BENEATH)).toThrow('EXDEV');
  libc.close(fd);
  libc.close(dir);
});

test('a lock taken through one descriptor refuses another', () => {
  const file = join(folder, 'lock');
  const a = libc.open(file, libc.O_CREAT | libc.O_RDWR, 0o600);
  const b = libc.open(file, libc.O_RDWR);
  expect(libc.flock(a, libc.LOCK_EX)).toBe(true);
  expect(libc.flock(b, libc.LOCK_EX | libc.LOCK_NB)).toBe(false);
  libc.close(a);
  expect(libc.flock(b, libc.LOCK_EX | libc.LOCK_NB)).toBe(true);
  libc.close(b);
});

test('setns moves the calling thread there and back', () => {
  const home = libc.open('/proc/thread-self/ns/net', libc.O_RDONLY | libc.O_CLOEXEC);
  const before = readlinkSync('/proc/thread-self/ns/net');
  libc.unshare(libc.CLONE_NEWNET);
  expect(readlinkSync('/proc/thread-self/ns/net')).not.toBe(before);
  libc.setns(home, libc.CLONE_NEWNET);
  expect(readlinkSync('/proc/thread-self/ns/net')).toBe(before);
  libc.close(home);
});

test('poll reports a readable pipe end and times out otherwise', () => {
  const child = Bun.spawnSync(['/bin/true']);
  expect(child.exitCode).toBe(0);
  const fd = libc.open('/dev/zero', libc.O_RDONLY);
  expect(libc.poll(fd, 1, 0) & 1).toBe(1);
  libc.close(fd);
});
