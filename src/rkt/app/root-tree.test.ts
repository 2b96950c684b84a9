import { expect, test } from 'bun:test';
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as libc from '../../sys/libc.ts';
import { ensureDirectoryInRoot, ensureFileInRoot, resolveInRoot, statInRoot, tryReadInRoot } from './root-tree.ts';

function withRoot(work: (rootFd: number, root: string) => void): void {
  const outer = mkdtempSync(join(tmpdir(), 'root-tree-'));
  const root = join(outer, 'root');
  mkdirSync(join(root, 'etc'), { recursive: true });
  writeFileSync(join(outer, 'secret'), 'outside');
  writeFileSync(join(root, 'etc/passwd'), 'root:x:0:0::/:\nuser1:x:1000:1000::/:\nbad:x:-1:1::/:\n');
  symlinkSync('/etc', join(root, 'absolute'));
  symlinkSync('../../secret', join(root, 'escape'));
  symlinkSync('/nowhere/deep', join(root, 'dangling'));
  symlinkSync('loop', join(root, 'loop'));
  const rootFd = libc.open(root, libc.O_PATH | libc.O_DIRECTORY);
  try {
    work(rootFd, root);
  } finally {
    libc.close(rootFd);
    rmSync(outer, { recursive: true });
  }
}

test('reading stays inside', () => {
  withRoot((rootFd) => {
    expect(tryReadInRoot(rootFd, '/absolute/passwd')).toContain('user1');
    expect(tryReadInRoot(rootFd, '/escape')).toBeUndefined();
    expect(tryReadInRoot(rootFd, '/../../../secret')).toBeUndefined();
    expect(tryReadInRoot(rootFd, '/etc')).toBeUndefined();
    expect(statInRoot(rootFd, '/loop')).toBeUndefined();
  });
});

test.each([
  ['/absolute/x', '/etc/x'],
  ['absolute/../y', '/y'],
  ['/escape', '/secret'],
  ['/dangling/a/../b', '/nowhere/deep/b'],
  ['../../..', '/'],
])('%s is %s', (path, resolved) => {
  withRoot((rootFd) => expect(resolveInRoot(rootFd, path)).toBe(resolved));
});

test('a loop of links is refused', () => {
  withRoot((rootFd) => expect(() => resolveInRoot(rootFd, '/loop/x')).toThrow('too many links'));
});

test('making stays inside, whatever the links', () => {
  withRoot((rootFd, root) => {
    ensureDirectoryInRoot(rootFd, '/tmp', 0o1777);
    expect(statSync(join(root, 'tmp')).mode & 0o7777).toBe(0o1777);
    ensureDirectoryInRoot(rootFd, '/absolute/a/b');
    expect(existsSync(join(root, 'etc/a/b'))).toBe(true);
    ensureFileInRoot(rootFd, '/new/dir/file');
    expect(statSync(join(root, 'new/dir/file')).size).toBe(0);
    expect(() => ensureDirectoryInRoot(rootFd, '/etc/passwd/x')).toThrow(
      'make directory "/etc/passwd" in the image: it is a file there',
    );
  });
});
