import { afterAll, beforeAll, expect, test } from 'bun:test';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as libc from '../../sys/libc.ts';
import { findId, type Identity, OWN_GROUP, resolveIdentity } from './users.ts';

const PASSWD = `root:x:0:0:root:/root:/bin/sh
not an account
user1:x:1000:1001::/home/user1:/bin/sh
twin:x:1000:5::/home/twin:/bin/sh
nohome:x:1002:1002:::/bin/sh
`;
const GROUP = `root:x:0:
group1:x:100:user1
extra:x:101:root,user1
`;

let dir = '';
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'ocicat-users-'));
  for (const root of ['full/etc', 'bare']) mkdirSync(join(dir, root), { recursive: true });
  writeFileSync(join(dir, 'full/etc/passwd'), PASSWD);
  writeFileSync(join(dir, 'full/etc/group'), GROUP);
});
afterAll(() => rmSync(dir, { recursive: true }));

function resolve(root: 'full' | 'bare', user: string, group: string): Identity {
  const fd = libc.open(join(dir, root), libc.O_PATH | libc.O_DIRECTORY | libc.O_CLOEXEC);
  try {
    return resolveIdentity(fd, user, group);
  } finally {
    libc.close(fd);
  }
}

// The answers of podman 4.3 to `podman run --user=USER[:GROUP] --rootfs`, without the primary group, which it lists again.
test.each<readonly ['full' | 'bare', string, string, Identity]>([
  ['full', '', OWN_GROUP, { uid: 0, gid: 0, groups: [101], home: '/root' }],
  ['full', '0', OWN_GROUP, { uid: 0, gid: 0, groups: [101], home: '/root' }],
  ['full', 'root', OWN_GROUP, { uid: 0, gid: 0, groups: [101], home: '/root' }],
  ['full', 'user1', OWN_GROUP, { uid: 1000, gid: 1001, groups: [100, 101], home: '/home/user1' }],
  ['full', '1000', OWN_GROUP, { uid: 1000, gid: 1001, groups: [100, 101], home: '/home/user1' }],
  ['full', '1000', '5', { uid: 1000, gid: 5, groups: [], home: '/home/user1' }],
  ['full', 'user1', 'group1', { uid: 1000, gid: 100, groups: [], home: '/home/user1' }],
  ['full', '4242', OWN_GROUP, { uid: 4242, gid: 0, groups: [], home: '/' }],
  ['full', '4242', '7', { uid: 4242, gid: 7, groups: [], home: '/' }],
  ['full', 'nohome', OWN_GROUP, { uid: 1002, gid: 1002, groups: [], home: '' }],
  ['full', '0', '100', { uid: 0, gid: 100, groups: [], home: '/root' }],
  ['bare', '', OWN_GROUP, { uid: 0, gid: 0, groups: [], home: '/' }],
  ['bare', '4242', OWN_GROUP, { uid: 4242, gid: 0, groups: [], home: '/' }],
])('in a %s image user "%s" with group "%s" is who podman makes of it', (root, user, group, identity) => {
  expect(resolve(root, user, group)).toEqual(identity);
});

test('of two accounts with one id the name decides', () => {
  expect(resolve('full', 'twin', OWN_GROUP)).toEqual({ uid: 1000, gid: 5, groups: [], home: '/home/twin' });
});

test('who is not in the image is refused', () => {
  expect(() => resolve('full', 'nobody', '0')).toThrow('"nobody" user not found');
  expect(() => resolve('bare', 'user1', OWN_GROUP)).toThrow('open /etc/passwd: no such file or directory');
  expect(() => resolve('bare', '0', 'wheel')).toThrow('open /etc/group: no such file or directory');
  expect(findId('a:x:-1:', 'a')).toBeUndefined();
});
