// Unpacks one layer into a directory that overlayfs can use as a lower directory.
import {
  chmodSync,
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  ftruncateSync,
  futimesSync,
  lchownSync,
  lutimesSync,
  mkdirSync,
  openSync,
  symlinkSync,
  utimesSync,
  writeSync,
} from 'node:fs';
import { isOcicatError, OcicatError } from '../../base/errors.ts';
import { lsetxattr, makedev, mknod } from '../../sys/libc.ts';
import { makeWhiteout, setOpaque } from './overlay-marks.ts';
import { readTar } from './tar.ts';
import type { TarEntry } from './tar-header.ts';
import { lstat, makeTreeRoot, openTreeWriter, parseTreePath, type TreeWriter } from './tree-writer.ts';
import type { TreePath } from './visible-layers.ts';

const S_IFIFO = 0o010000;
const S_IFCHR = 0o020000;
const S_IFBLK = 0o060000;
const EOPNOTSUPP = 95;

/** One archive, one new directory. */
export interface UnpackRequest {
  /** The uncompressed archive. */
  readonly chunks: AsyncIterable<Uint8Array>;
  /** Is made here; its parent must exist and be closed to other users. */
  readonly root: string;
  /** The unpacked layers below, top-most first. */
  readonly lowerRoots: readonly string[];
  /** Called before every file and directory that is made, those above an entry included; may throw. */
  readonly addEntry: () => void;
  /** Called for bytes of files that the archive does not hold, as the holes of sparse ones; may throw. */
  readonly addBytes: (bytes: number) => void;
  readonly signal: AbortSignal;
}

/**
 * Whiteouts become overlayfs' own marks (OCI image-spec, layer.md#whiteouts). On failure the half-made tree stays for the
 * caller to remove. Throws `invalid`, `unsupported` or `corrupt` for what the archive is, `aborted` when the signal fires.
 */
export async function unpackLayer(request: UnpackRequest): Promise<void> {
  makeTreeRoot(request.root, request.lowerRoots);
  const writer = openTreeWriter(request.root, request.lowerRoots, request.addEntry);
  const directoryTimes = new Map<string, number>();
  let file: OpenFile | undefined;
  try {
    for await (const item of readTar(request.chunks)) {
      if (request.signal.aborted) throw new OcicatError('aborted', 'unpack layer: interrupted');
      if (item.kind === 'content') {
        if (file !== undefined) file.at = writeAll(file.fd, item.bytes, file.at);
        continue;
      }
      if (item.kind === 'hole') {
        request.addBytes(item.sizeBytes);
        if (file !== undefined) file.at += item.sizeBytes;
        continue;
      }
      finishFile(file);
      file = undefined;
      request.addEntry();
      file = writeEntry(writer, item.entry, directoryTimes);
    }
    finishFile(file);
    file = undefined;
    for (const [path, mtimeSeconds] of directoryTimes) setDirectoryTime(writer, path, mtimeSeconds);
  } catch (error) {
    if (file !== undefined) closeSync(file.fd);
    throw error;
  } finally {
    writer.close();
  }
}

interface OpenFile {
  readonly fd: number;
  readonly hostPath: string;
  readonly entry: TarEntry;
  /** Where the next bytes go. */
  at: number;
}

/** Returns the file whose content follows, if any does. */
function writeEntry(writer: TreeWriter, entry: TarEntry, directoryTimes: Map<string, number>): OpenFile | undefined {
  const path = parseTreePath(entry.path);
  const name = path.at(-1);
  if (name?.startsWith('.wh.')) {
    writeWhiteout(writer, path, name.slice('.wh.'.length));
    return undefined;
  }
  try {
    return writeNode(writer, path, entry, directoryTimes);
  } catch (cause) {
    throw cannotWrite(entry, cause);
  }
}

/** What was refused stays; a failed call says which entry it was for. */
function cannotWrite(entry: TarEntry, cause: unknown): OcicatError {
  if (isOcicatError(cause, 'invalid', 'unsupported', 'exhausted')) return cause;
  const code = isOcicatError(cause) ? 'kernel' : 'unavailable';
  return new OcicatError(code, `layer entry "${entry.path}": cannot be written`, { cause });
}

/** `.wh.NAME` hides NAME of the layers below; what this very layer puts there is not hidden, whatever the order. */
function writeWhiteout(writer: TreeWriter, path: TreePath, hidden: string): void {
  if (hidden === '.wh..opq') {
    setOpaque(writer.directory(path.slice(0, -1)));
    return;
  }
  if (hidden.startsWith('.wh.')) return; // other marks of aufs itself, without a meaning here
  if (hidden === '' || hidden === '.' || hidden === '..') {
    throw new OcicatError('invalid', `layer entry "${path.join('/')}": is a whiteout of nothing`);
  }
  const hostPath = writer.hostPathOf([...path.slice(0, -1), hidden]);
  const there = lstat(hostPath);
  if (there === undefined) makeWhiteout(hostPath);
  else if (there.isDirectory()) setOpaque(hostPath);
}

function writeNode(
  writer: TreeWriter,
  path: TreePath,
  entry: TarEntry,
  directoryTimes: Map<string, number>,
): OpenFile | undefined {
  if (entry.kind === 'directory') {
    writeDirectory(writer, path, entry);
    directoryTimes.set(path.join('/'), entry.mtimeSeconds);
    return undefined;
  }
  if (path.length === 0) throw new OcicatError('invalid', `layer entry "${entry.path}": wants to replace the root`);
  if (entry.kind === 'hardlink') {
    writer.link(path, parseTreePath(entry.linkTarget));
    return undefined;
  }
  const hostPath = writer.hostPathOf(path);
  writer.clear(hostPath, false);
  switch (entry.kind) {
    case 'file': {
      const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
      return { fd: openSync(hostPath, flags, 0o600), hostPath, entry, at: 0 };
    }
    case 'symlink':
      symlinkSync(entry.linkTarget, hostPath);
      lchownSync(hostPath, entry.uid, entry.gid);
      lutimesSync(hostPath, entry.mtimeSeconds, entry.mtimeSeconds);
      return undefined;
    case 'fifo':
      return writeSpecial(hostPath, entry, S_IFIFO);
    case 'block':
      return writeSpecial(hostPath, entry, S_IFBLK);
    case 'character':
      if (entry.deviceMajor === 0 && entry.deviceMinor === 0) {
        throw new OcicatError('invalid', `layer entry "${entry.path}": device 0/0 is a whiteout, wanted .wh.NAME`);
      }
      return writeSpecial(hostPath, entry, S_IFCHR);
  }
}

function writeDirectory(writer: TreeWriter, path: TreePath, entry: TarEntry): void {
  const hostPath = writer.hostPathOf(path);
  const before = writer.clear(hostPath, true);
  if (before !== 'stays') mkdirSync(hostPath, 0o700);
  if (before === 'was-whiteout') setOpaque(hostPath);
  lchownSync(hostPath, entry.uid, entry.gid);
  chmodSync(hostPath, entry.mode);
  setXattrs(hostPath, entry);
}

function writeSpecial(hostPath: string, entry: TarEntry, typeBits: number): undefined {
  mknod(hostPath, typeBits | 0o600, typeBits === S_IFIFO ? 0 : makedev(entry.deviceMajor, entry.deviceMinor));
  lchownSync(hostPath, entry.uid, entry.gid);
  chmodSync(hostPath, entry.mode);
  lutimesSync(hostPath, entry.mtimeSeconds, entry.mtimeSeconds);
  return undefined;
}

/** Returns where the bytes end in the file. */
function writeAll(fd: number, bytes: Uint8Array, start: number): number {
  for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at, bytes.length - at, start + at);
  return start + bytes.length;
}

/** Owner first: changing it clears setuid bits and file capabilities. */
function finishFile(file: OpenFile | undefined): void {
  if (file === undefined) return;
  const { fd, hostPath, entry } = file;
  try {
    ftruncateSync(fd, file.at); // beyond a hole at the end
    fchownSync(fd, entry.uid, entry.gid);
    fchmodSync(fd, entry.mode);
    setXattrs(hostPath, entry);
    futimesSync(fd, entry.mtimeSeconds, entry.mtimeSeconds);
  } catch (cause) {
    throw cannotWrite(entry, cause);
  }
  closeSync(fd);
}

/** File capabilities and the user's own attributes; the others belong to the host or to overlayfs, and an image must not set them. */
function setXattrs(hostPath: string, entry: TarEntry): void {
  for (const [name, value] of entry.xattrs) {
    if (name === 'security.capability') lsetxattr(hostPath, name, value);
    else if (name.startsWith('user.') && !name.startsWith('user.overlay.')) setUserXattr(hostPath, name, value);
  }
}

/** Some file systems have no user attributes; an image works without them. */
function setUserXattr(hostPath: string, name: string, value: Uint8Array): void {
  try {
    lsetxattr(hostPath, name, value);
  } catch (error) {
    if (!(isOcicatError(error, 'kernel') && error.errno === EOPNOTSUPP)) throw error;
  }
}

/** Last of all, because making an entry changes the time of its directory. */
function setDirectoryTime(writer: TreeWriter, path: string, mtimeSeconds: number): void {
  const hostPath = writer.tryFindDirectory(parseTreePath(path));
  if (hostPath !== undefined) utimesSync(hostPath, mtimeSeconds, mtimeSeconds);
}
