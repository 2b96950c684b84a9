// What of the host an attack may not have changed: a sentinel tree in every detail, and the usual targets.
import { createHash } from 'node:crypto';
import { chmodSync, lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Stands in the sentinel's files, and must never be shown. */
export const SECRET = 'the-host-keeps-this-to-itself';

/** A tree like the host's own, for attacks to aim at. */
export function makeSentinel(root: string): void {
  for (const dir of ['etc', 'root', 'dir/sub']) mkdirSync(join(root, dir), { recursive: true });
  for (const file of ['etc/shadow', 'etc/hosts', 'root/.profile', 'dir/sub/file']) {
    writeFileSync(join(root, file), `${SECRET}\n`);
    chmodSync(join(root, file), 0o600);
  }
  writeFileSync(join(root, 'tool'), `#!/bin/sh\necho ${SECRET}\n`, { mode: 0o755 });
}

function describeFile(path: string): string {
  const stats = lstatSync(path, { bigint: true });
  const attributes = [
    stats.mode,
    stats.uid,
    stats.gid,
    stats.nlink,
    stats.ino,
    stats.rdev,
    stats.mtimeNs,
    stats.ctimeNs,
  ];
  const content = stats.isFile() ? createHash('sha256').update(readFileSync(path)).digest('hex') : '';
  return [path, ...attributes, stats.isSymbolicLink() ? readlinkSync(path) : content].join(' ');
}

function describeTree(path: string): readonly string[] {
  const below = lstatSync(path).isDirectory() ? readdirSync(path).sort() : [];
  return [describeFile(path), ...below.flatMap((name) => describeTree(join(path, name)))];
}

/** Equal as long as nothing happened to the host. Others live on it, too: of its own directories only what attacks call `owned` counts. */
export function snapshotHost(sentinel: string): readonly string[] {
  const names = ['/', '/root', '/etc', '/dev'].flatMap((dir) =>
    readdirSync(dir)
      .filter((name) => name.includes('owned'))
      .map((name) => join(dir, name)),
  );
  const files = ['/etc/passwd', '/etc/shadow', '/etc/hosts', '/etc/resolv.conf'].map(describeFile);
  return [...describeTree(sentinel), ...names, ...files];
}
