// Images with device nodes, pipes, whiteouts, privileged files and attributes of the host's own.
import { readFileSync, statSync } from 'node:fs';
import type { RawEntry } from '../support/images/raw-tar.ts';
import type { ImageAttack } from './image-attack.ts';

type Layers = readonly (readonly RawEntry[])[];

function refused(name: string, expected: RegExp, ...layers: Layers): ImageAttack {
  return { name, refused: expected, image: () => ({ layers }) };
}

function contained(name: string, script: string, prints: RegExp, ...layers: Layers): ImageAttack {
  return { name, script: () => script, prints, image: () => ({ layers }) };
}

function node(name: string, type: '3' | '4', major: number, minor: number): RawEntry {
  return { name, type, major, minor, mode: 0o666 };
}

/** The disk that this very file is on. */
const disk = statSync(import.meta.path).dev;
const [diskMajor, diskMinor] = [Math.floor(disk / 256), disk % 256];

/** The image says whom to run as. */
function asUser(name: string, script: string, prints: RegExp, ...layers: Layers): ImageAttack {
  return { name, script: () => script, prints, image: () => ({ layers, config: { User: 'user1' } }) };
}

const notOpened = /Operation not permitted|Permission denied|No such device/;
const read = (path: string): string => `dd if=${path} of=/dev/null bs=512 count=1`;
const file = (name: string, content = 'x', more: Partial<RawEntry> = {}): RawEntry => ({ name, content, ...more });
const whiteout = (name: string): RawEntry => ({ name, content: '' });
const nothing = /is a whiteout of nothing/;

const redirects = {
  'SCHILY.xattr.trusted.overlay.redirect': '/etc',
  'SCHILY.xattr.trusted.overlay.opaque': 'y',
  'SCHILY.xattr.trusted.overlay.metacopy': '',
  'SCHILY.xattr.user.overlay.redirect': '/etc',
  'SCHILY.xattr.user.overlay.opaque': 'y',
  'SCHILY.xattr.security.selinux': 'system_u:object_r:etc_t:s0',
  'SCHILY.xattr.security.ima': 'x',
  'SCHILY.xattr.system.posix_acl_access': 'x',
};

export const nodeAttacks: readonly ImageAttack[] = [
  contained("the host's disk as a block device", read('/disk'), notOpened, [node('disk', '4', diskMajor, diskMinor)]),
  contained("the host's memory as a character device", read('/mem'), notOpened, [node('mem', '3', 1, 1)]),
  contained("the kernel's log as a character device", read('/kmsg'), notOpened, [node('kmsg', '3', 1, 11)]),
  contained(
    'a disk in the place of /dev/null',
    'stat -c %F /dev/null; echo x > /dev/null',
    /^character special file$/,
    [node('dev/null', '4', diskMajor, diskMinor)],
  ),
  contained(
    'a link in the place of /dev',
    'true',
    /^stage1: start app "image": openat2 `dev`: Invalid cross-device link$/,
    [{ name: 'dev', type: '2', link: '/proc/1/root/dev' }],
  ),
  refused('a device that overlayfs takes for a whiteout', /device 0\/0 is a whiteout/, [node('w', '3', 0, 0)]),
  refused('a device number that no kernel has', /device 2097151, wanted/, [node('d', '4', 0o7777777, 0)]),
  contained('a pipe', 'stat -c %F /pipe', /^fifo$/, [{ name: 'pipe', type: '6' }]),
  refused('a socket', /has the unknown type "s"/, [{ name: 'socket', type: 's' }]),
  asUser('a pipe as the list of users', 'true', /open \/etc\/passwd/, [{ name: 'etc/passwd', type: '6' }]),
  asUser('an endless device as the list of users', 'true', /open \/etc\/passwd/, [node('etc/passwd', '3', 1, 5)]),
  asUser('a link to the host as the list of users', 'true', /open \/etc\/passwd/, [
    { name: 'etc/passwd', type: '2', link: '/proc/1/root/etc/passwd' },
  ]),
  contained('a disk as resolv.conf', 'echo x > /etc/resolv.conf', notOpened, [
    node('etc/resolv.conf', '4', diskMajor, diskMinor),
  ]),
  refused('a whiteout without a name', nothing, [whiteout('.wh.')]),
  refused('a whiteout of the directory itself', nothing, [whiteout('.wh..')]),
  refused('a whiteout of the parent', nothing, [whiteout('.wh...')]),
  refused('a whiteout of the parent, below', nothing, [whiteout('a/b/.wh...')]),
  refused('a whiteout that climbs', /leaves the image/, [whiteout('../.wh.etc')]),
  refused('an opaque mark that climbs', /leaves the image/, [whiteout('../../.wh..wh..opq')]),
  refused('a whiteout below a link', /is no directory, but has entries/, [
    { name: 'l', type: '2', link: '/etc' },
    whiteout('l/.wh.shadow'),
  ]),
  contained('a whiteout of all programs', 'true', /Unable to open "\/bin\/sh": No such file/, [whiteout('.wh.bin')]),
  contained("aufs' own marks", 'ls -a / | wc -l; echo unseen', /unseen/, [
    whiteout('.wh..wh.aufs'),
    whiteout('.wh..wh.plnk'),
  ]),
  asUser('a program that changes its user', 'grep NoNewPrivs /proc/self/status', /^NoNewPrivs:\t1$/, [
    { name: 'bin/busybox', content: readFileSync('/bin/busybox'), mode: 0o6755 },
  ]),
  contained('attributes of overlayfs and of the host', 'cat /f; ls /d', /^xg$/, [
    file('f', 'x', { pax: redirects }),
    { name: 'd/', type: '5', pax: redirects },
    file('d/g'),
  ]),
];
