// Finds other network namespaces by the number that the kernel gives them as peers of ours (rtnetlink, "netns id"): it says
// where the other end of a link is, and not how to get there.
import { fstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { isOcicatError } from '../../base/errors.ts';
import * as libc from '../../sys/libc.ts';
import * as netlink from '../../sys/netlink.ts';
import { ownNetns } from '../../sys/netns.ts';

/** linux/net_namespace.h. */
export const RTM_GETNSID = 90;
export const NETNSA_NSID = 1;
export const NETNSA_FD = 3;

interface NetnsPath {
  /** `net:[inode]`, the same on each path to it. */
  readonly name: string;
  readonly path: string;
}

/** Each that is mounted where the process sees it: proc_pid_mountinfo(5), with the namespace as the root of the mount. */
function namespacesMountedFor(process: string, root: string): readonly NetnsPath[] {
  const lines = readFileSync(`/proc/${process}/mountinfo`, 'utf8').split('\n');
  return lines.flatMap((line) => {
    const [, , , name = '', path = ''] = line.split(' ');
    const unescaped = path.replace(/\\(\d{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
    return name.startsWith('net:[') ? [{ name, path: `${root}${unescaped}` }] : [];
  });
}

/** For us, and for the host's first process: an agent in a pod does not see what is mounted outside of it later. */
function mountedNamespaces(): readonly NetnsPath[] {
  return [...namespacesMountedFor('thread-self', ''), ...namespacesMountedFor('1', '/proc/1/root')];
}

/** Each that a process is in, once for each of its processes. */
function* namespacesOfProcesses(): Generator<NetnsPath> {
  for (const pid of readdirSync('/proc')) {
    if (!/^\d+$/.test(pid)) continue;
    const path = `/proc/${pid}/ns/net`;
    try {
      yield { name: readlinkSync(path), path };
    } catch {} // it has ended meanwhile
  }
}

function tryOpen(path: string): number | undefined {
  try {
    return libc.open(path, libc.O_RDONLY | libc.O_CLOEXEC);
  } catch (error) {
    if (isOcicatError(error)) return undefined; // it has gone meanwhile
    throw error;
  }
}

/** Undefined when the path leads there no more: the process has ended, or another mount lies above. */
function tryOpenNetns({ name, path }: NetnsPath): number | undefined {
  const fd = tryOpen(path);
  if (fd === undefined || `net:[${fstatSync(fd).ino}]` === name) return fd;
  libc.close(fd);
  return undefined;
}

/** Undefined while the namespace has no number as seen from the socket's. */
export function observeNetnsId(socket: netlink.Netlink, netnsFd: number): number | undefined {
  const writer = netlink.createMessageWriter(64);
  writer.begin(RTM_GETNSID, netlink.NLM_F_ACK).u8(0).u8(0).u8(0).u8(0).attrU32(NETNSA_FD, netnsFd).end();
  let id: number | undefined;
  socket.tryRequest(writer, 1, (_type, payload) => {
    const bytes = netlink.readAttributes(payload, 4).get(NETNSA_NSID);
    if (bytes !== undefined) id = netlink.readI32(bytes);
  });
  return id === undefined || id < 0 ? undefined : id;
}

/** The mounts first: a process may end between two looks, and one of many does. */
function* pathsToNamespaces(): Generator<NetnsPath> {
  yield* mountedNamespaces();
  yield* namespacesOfProcesses();
}

/** Inodes of the namespaces that are found. */
export function observeNetnsInodes(): ReadonlySet<string> {
  return new Set([...pathsToNamespaces()].map(({ name }) => name.slice('net:['.length, -1)));
}

/**
 * Calls `work` with each namespace but our own that is found; the descriptor is closed after it. One that no process that we
 * see is in, and that is mounted nowhere that we see, is not found.
 */
export function forEachOtherNetns(work: (netnsFd: number) => void, paths = pathsToNamespaces()): void {
  const seen = new Set([ownNetns()]);
  for (const netns of paths) {
    const fd = seen.has(netns.name) ? undefined : tryOpenNetns(netns);
    if (fd === undefined) continue;
    try {
      seen.add(netns.name);
      work(fd);
    } finally {
      libc.close(fd);
    }
  }
}

/** As forEachOtherNetns, of those that have a number as the socket's namespace has it. */
export function forEachNetns(socket: netlink.Netlink, work: (netnsId: number, netnsFd: number) => void): void {
  forEachOtherNetns((fd) => {
    const id = observeNetnsId(socket, fd);
    if (id !== undefined) work(id, fd);
  });
}

/** Whether a process that we see is in the namespace of that number; a mount alone is nobody. */
export function isInhabited(socket: netlink.Netlink, netnsId: number): boolean {
  let found = false;
  forEachOtherNetns((fd) => {
    found ||= observeNetnsId(socket, fd) === netnsId;
  }, namespacesOfProcesses());
  return found;
}
