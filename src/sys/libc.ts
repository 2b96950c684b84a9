// The libc calls that JavaScript lacks, typed. Every call is synchronous, acts on the calling thread and throws
// OcicatError `kernel` with `errno` when refused. Implementation: native/sys.c; meaning: the man page of the same name.
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { getSystemErrorName } from 'node:util';
import { OcicatError } from '../base/errors.ts';

type Argument = number | string | Uint8Array | Int32Array | null;
interface Addon {
  readonly [name: string]: (...args: readonly (Argument | readonly string[])[]) => number;
}

/**
 * A file of the installation: beside the compiled executable in lib/, or in dist/lib/ when run from source. Never from the
 * environment or the working directory.
 */
export function libraryPath(name: string): string {
  const compiled = import.meta.dir.startsWith('/$bunfs/');
  return compiled ? join(dirname(process.execPath), '../lib', name) : join(import.meta.dir, '../../dist/lib', name);
}

let loaded: Addon | undefined;
function addon(): Addon {
  loaded ??= createRequire(import.meta.url)(libraryPath('sys.node')) as Addon;
  return loaded;
}

function call(name: string, ...args: readonly (Argument | readonly string[])[]): number {
  const result = addon()[name]?.(...args) ?? -38;
  if (result >= 0) return result;
  const subject = args.find((arg) => typeof arg === 'string');
  const action = subject === undefined ? name : `${name} "${String(subject)}"`;
  throw new OcicatError('kernel', `${action}: ${errnoName(-result)}`, { errno: -result });
}

/** `ENOENT` for 2. */
export function errnoName(errno: number): string {
  return getSystemErrorName(-errno);
}

export const ENOENT = 2;
export const ESRCH = 3;
export const EINTR = 4;
export const EAGAIN = 11;
export const EEXIST = 17;
export const ENODEV = 19;
export const EINVAL = 22;
const ENODATA = 61;
export const EOPNOTSUPP = 95;
export const EADDRNOTAVAIL = 99;
export const ENOBUFS = 105;

export const O_RDONLY = 0;
export const O_WRONLY = 1;
export const O_RDWR = 2;
export const O_CREAT = 0o100;
export const O_NONBLOCK = 0o4000;
export const O_DIRECTORY = 0o200000;
export const O_NOFOLLOW = 0o400000;
export const O_CLOEXEC = 0o2000000;
export const O_PATH = 0o10000000;

export const CLONE_NEWNS = 0x00020000;
export const CLONE_NEWNET = 0x40000000;

export const MS_RDONLY = 1;
export const MS_NOSUID = 2;
export const MS_NODEV = 4;
export const MS_NOEXEC = 8;
export const MS_REMOUNT = 32;
export const MS_BIND = 4096;
export const MS_REC = 16384;
export const MS_SLAVE = 1 << 19;
export const MS_SHARED = 1 << 20;
export const MNT_DETACH = 2;

export const LOCK_SH = 1;
export const LOCK_EX = 2;
export const LOCK_NB = 4;

export const RESOLVE_BENEATH = 0x08;
export const RESOLVE_IN_ROOT = 0x10;

/** Returns a file descriptor. */
export function open(path: string, flags: number, mode = 0): number {
  return call('open', path, flags, mode);
}

/** Opens `path` relative to directory `dirfd` under the RESOLVE_ rules; returns a file descriptor. */
export function openat2(dirfd: number, path: string, flags: number, mode: number, resolve: number): number {
  return call('openat2', dirfd, path, flags, mode, resolve);
}

export function close(fd: number): void {
  call('close', fd);
}

/** Bytes written, possibly fewer than given. */
export function write(fd: number, from: Uint8Array): number {
  return call('write', fd, from, from.length);
}

export function socket(domain: number, type: number, protocol: number): number {
  return call('socket', domain, type, protocol);
}

export function bind(fd: number, address: Uint8Array): void {
  call('bind', fd, address, address.length);
}

export function connect(fd: number, address: Uint8Array): void {
  call('connect', fd, address, address.length);
}

export function send(fd: number, from: Uint8Array, flags = 0): number {
  return call('send', fd, from, from.length, flags);
}

export function recv(fd: number, into: Uint8Array, flags = 0): number {
  return call('recv', fd, into, into.length, flags);
}

export function setsockopt(fd: number, level: number, option: number, value: Uint8Array): void {
  call('setsockopt', fd, level, option, value, value.length);
}

/** Fills `value`; returns how many bytes the kernel wrote. */
export function getsockopt(fd: number, level: number, option: number, value: Uint8Array): number {
  const length = Int32Array.of(value.length);
  call('getsockopt', fd, level, option, value, length);
  return length[0] ?? 0;
}

/** Waits up to timeoutMs (−1: for ever) for `events` (POLLIN 1, POLLOUT 4) on one descriptor; returns what is ready, 0 on time-out or a signal. */
export function poll(fd: number, events: number, timeoutMs: number): number {
  const entry = Int32Array.of(fd, events & 0xffff);
  try {
    call('poll', entry, 1, timeoutMs);
  } catch (error) {
    if (error instanceof OcicatError && error.errno === EINTR) return 0;
    throw error;
  }
  return (entry[1] ?? 0) >>> 16;
}

/** Moves the calling thread only. Between entering and leaving: synchronous calls, no await. */
export function setns(fd: number, type: number): void {
  call('setns', fd, type);
}

/** A socket of another network namespace; the calling thread goes there and back within the call. Aborts the process if it cannot come back. */
export function socketIn(netnsFd: number, domain: number, type: number, protocol: number): number {
  return call('socket_in', netnsFd, domain, type, protocol);
}

/** As open, but the path is looked up in another network namespace: below /proc/sys/net and /proc/net that decides. */
export function openIn(netnsFd: number, path: string, flags: number): number {
  return call('open_in', netnsFd, path, flags);
}

/** A descriptor of a new network namespace; the calling thread is where it was afterwards. */
export function newNetns(): number {
  return call('new_netns');
}

export function unshare(flags: number): void {
  call('unshare', flags);
}

export function mount(
  source: string,
  target: string,
  type: string | null,
  flags: number,
  data: string | null = null,
): void {
  call('mount', source, target, type, flags, data);
}

export function umount2(target: string, flags = 0): void {
  call('umount2', target, flags);
}

export function pivotRoot(newRoot: string, putOld: string): void {
  call('pivot_root', newRoot, putOld);
}

export function chroot(path: string): void {
  call('chroot', path);
}

/** Of the thread and, through the shared fs_struct, of the process. */
export function chdir(path: string): void {
  call('chdir', path);
}

/** True when the lock is held now; false when LOCK_NB was given and somebody else holds it. */
export function flock(fd: number, operation: number): boolean {
  try {
    call('flock', fd, operation);
    return true;
  } catch (error) {
    if (error instanceof OcicatError && error.errno === EAGAIN) return false;
    throw error;
  }
}

/** Whether the descriptor survives execve. */
export function setInheritable(fd: number, inheritable: boolean): void {
  call('fcntl', fd, 2, inheritable ? 0 : 1);
}

/** With a number or a structure that the request reads, and writes. */
export function ioctl(fd: number, request: number, argument: number | Uint8Array): void {
  call('ioctl', fd, request, argument);
}

export const PR_SET_CHILD_SUBREAPER = 36;

export function prctl(option: number, argument: number): void {
  call('prctl', option, argument, 0, 0, 0);
}

/** Signal 0 only asks whether the process is there. */
export function kill(pid: number, signal: number): void {
  call('kill', pid, signal);
}

export function pidfdOpen(pid: number): number {
  return call('pidfd_open', pid, 0);
}

/** A copy of another process's file descriptor. */
export function pidfdGetfd(pidfd: number, fd: number): number {
  return call('pidfd_getfd', pidfd, fd, 0);
}

export function pidfdSendSignal(pidfd: number, signal: number): void {
  call('pidfd_send_signal', pidfd, signal);
}

export function sethostname(name: string): void {
  call('sethostname', name, Buffer.byteLength(name));
}

/** `mode` with the file type bits; `device` from makedev, 0 otherwise. */
export function mknod(path: string, mode: number, device: number): void {
  call('mknod', path, mode, device);
}

export function makedev(major: number, minor: number): number {
  return call('makedev', major, minor);
}

/** Gives the pages of a range back to the kernel (MADV_DONTNEED); what is mapped from a file comes back from it when touched. */
export function dropPages(address: number, lengthBytes: number): void {
  const MADV_DONTNEED = 4;
  call('madvise', address, lengthBytes, MADV_DONTNEED);
}

/** Sets an extended attribute of a file or of a link itself. */
export function lsetxattr(path: string, name: string, value: Uint8Array): void {
  call('lsetxattr', path, name, value, value.length);
}

/** The kernel's bound for a value, and for a list of names. Source: xattr(7). */
const MAX_XATTR_BYTES = 64 * 1024;

/** An extended attribute of a file or of a link itself; undefined without it. */
export function lgetxattr(path: string, name: string): Uint8Array | undefined {
  const value = new Uint8Array(MAX_XATTR_BYTES);
  try {
    return value.subarray(0, call('lgetxattr', path, name, value, value.length));
  } catch (error) {
    if (error instanceof OcicatError && (error.errno === ENODATA || error.errno === EOPNOTSUPP)) return undefined;
    throw error;
  }
}

export function setgroups(gids: readonly number[]): void {
  call('setgroups', gids.length, Int32Array.from(gids));
}

export function setgid(gid: number): void {
  call('setgid', gid);
}

export function setuid(uid: number): void {
  call('setuid', uid);
}

/** How a child ended: its exit status, or the signal that killed it. */
export type ChildEnd =
  | { readonly kind: 'exited'; readonly status: number }
  | { readonly kind: 'killed'; readonly signal: number };

/** Reaps a child (or a subreaper's grandchild) if it has ended; undefined while it runs. */
export function tryReap(pid: number): ChildEnd | undefined {
  const WNOHANG = 1;
  const WEXITED = 4;
  const CLD_EXITED = 1;
  const status = new Int32Array(2);
  call('waitid', pid, WNOHANG | WEXITED, status);
  const [code = 0, value = 0] = status;
  if (code === 0) return undefined;
  return code === CLD_EXITED ? { kind: 'exited', status: value } : { kind: 'killed', signal: value };
}

/** Replaces this process, with every signal at its default. Returns only by throwing. */
export function execve(path: string, argv: readonly string[], environment: readonly string[]): never {
  call('execve', path, argv, environment);
  throw new OcicatError('internal', `execve "${path}": came back without an error`);
}

/** The process, user and group at the other end of a unix socket (SO_PEERCRED). */
export function peerCredentials(fd: number): { readonly pid: number; readonly uid: number; readonly gid: number } {
  const SOL_SOCKET = 1;
  const SO_PEERCRED = 17;
  const bytes = new Uint8Array(12);
  getsockopt(fd, SOL_SOCKET, SO_PEERCRED, bytes);
  const [pid = 0, uid = 0, gid = 0] = new Int32Array(bytes.buffer);
  return { pid, uid, gid };
}
