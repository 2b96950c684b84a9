// The name servers of this host as its /etc/resolv.conf has them now.
import { fstatSync, readFileSync } from 'node:fs';
import { parseNameservers } from '../../dns/resolv-conf.ts';
import type { Ip } from '../../net/ip.ts';
import * as libc from '../../sys/libc.ts';

const LOOK_MS = 1_000;
const MAX_BYTES = 64 * 1024;
const PATH = 'etc/resolv.conf';

/** Links are those of the host, whose root may be another one than the agent's. The caller closes it. */
function openInRoot(root: string): number {
  const rootFd = libc.open(`${root}/`, libc.O_RDONLY | libc.O_CLOEXEC, 0);
  try {
    return libc.openat2(rootFd, PATH, libc.O_RDONLY | libc.O_NONBLOCK | libc.O_CLOEXEC, 0, libc.RESOLVE_IN_ROOT);
  } finally {
    libc.close(rootFd);
  }
}

interface Seen {
  /** What another write of the file would change. */
  readonly stamp: string;
  readonly servers: readonly Ip[];
}

/** What is no regular file of a reasonable size names none. */
function look(root: string, last: Seen): Seen {
  const fd = openInRoot(root);
  try {
    const stats = fstatSync(fd, { bigint: true });
    const stamp = `${stats.dev} ${stats.ino} ${stats.mtimeNs} ${stats.size}`;
    if (stamp === last.stamp) return last;
    const isText = stats.isFile() && stats.size <= MAX_BYTES;
    return { stamp, servers: isText ? parseNameservers(readFileSync(fd, 'utf8')) : [] };
  } finally {
    libc.close(fd);
  }
}

const NOTHING: Seen = { stamp: '', servers: [] };

/** The file is looked at once a second at most, and only when somebody asks. One that is not there names none. */
export function createHostServers(root: string, nowMs: () => number): () => readonly Ip[] {
  let seen = NOTHING;
  let lookedMs = Number.NEGATIVE_INFINITY;
  return () => {
    const now = nowMs();
    if (now - lookedMs < LOOK_MS) return seen.servers;
    lookedMs = now;
    try {
      seen = look(root, seen);
    } catch {
      seen = NOTHING;
    }
    return seen.servers;
  };
}
