// Brings one blob from a registry to disk, verified; what a broken connection or a killed process left is continued.
import { createHash, type Hash } from 'node:crypto';
import {
  createReadStream,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { isOcicatError, OcicatError } from '../../base/errors.ts';
import { describeErrno, isErrno } from '../../sys/errno.ts';
import { type HeldLock, openExclusiveLock, tryOpenExclusiveLock } from '../../sys/lock.ts';
import { syncDirectory } from '../../sys/replace-file.ts';
import { finishDigest, printDigestName } from '../spec/digest.ts';
import type { Descriptor } from '../spec/manifest.ts';
import type { StoreLayout } from '../store/layout.ts';
import { type HttpResponse, pause } from './http.ts';
import type { FetchProgress } from './progress.ts';
import type { Registry } from './registry.ts';

/** Broken connections in a row without a single byte more. */
const MAX_STALLS = 4;
const STALL_DELAY_MS = 300;

/** One blob of one registry, into one store. */
export interface DownloadRequest {
  readonly layout: StoreLayout;
  readonly registry: Registry;
  readonly blob: Descriptor;
  readonly progress: FetchProgress;
  readonly signal: AbortSignal;
}

/** Where a whole blob lies; not yet whole ones have `.partial` behind. */
export function blobPath(layout: StoreLayout, blob: Descriptor): string {
  return join(layout.blobs, printDigestName(blob.digest));
}

/** Removes a blob and what came of it, unless somebody is downloading it; who reads it already may go on. */
export function discardBlob(layout: StoreLayout, blob: Descriptor): void {
  const path = blobPath(layout, blob);
  const lock = tryOpenExclusiveLock(`${path}.partial`);
  if (lock === undefined) return;
  rmSync(path, { force: true });
  rmSync(`${path}.partial`, { force: true });
  lock.close();
}

/**
 * Returns a descriptor for reading the whole blob, which stays readable when somebody removes the file; the caller closes it.
 * Waits while another process downloads the same. Throws `corrupt` when the content is not what its digest says.
 */
export async function downloadBlob(request: DownloadRequest): Promise<number> {
  const path = blobPath(request.layout, request.blob);
  const partial = `${path}.partial`;
  const onWait = (): void =>
    request.progress({ kind: 'note', text: 'another rkt instance is downloading this file, waiting...' });
  const lock = await openExclusiveLock(partial, onWait, request.signal);
  try {
    const present = tryOpen(path);
    if (present !== undefined) {
      rmSync(partial, { force: true });
      return present;
    }
    await completePartial(request, lock);
    fsyncSync(lock.fd);
    const whole = openSync(partial, 'r'); // before others can see the file, and remove it
    renameSync(partial, path);
    syncDirectory(request.layout.blobs);
    return whole;
  } catch (cause) {
    if (isOcicatError(cause)) throw cause;
    const message = `download "${request.blob.digest.text}": ${describeErrno(cause)}`;
    throw new OcicatError('unavailable', message, { cause });
  } finally {
    lock.close();
  }
}

function tryOpen(path: string): number | undefined {
  try {
    return openSync(path, 'r');
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined;
    throw error;
  }
}

/** Downloads once more from the start when what was continued turns out to be damaged. */
async function completePartial(request: DownloadRequest, lock: HeldLock): Promise<void> {
  const { blob, progress } = request;
  const wasContinued = fstatSync(lock.fd).size > 0;
  if ((await receive(request, lock)) === blob.digest.text) return;
  if (wasContinued) {
    progress({ kind: 'note', text: 'cannot use cached partial download, resource updated.' });
    ftruncateSync(lock.fd, 0);
    if ((await receive(request, lock)) === blob.digest.text) return;
  }
  ftruncateSync(lock.fd, 0);
  throw new OcicatError('corrupt', `download "${blob.digest.text}": the content has another digest`);
}

interface PartialFile {
  readonly fd: number;
  hash: Hash;
  sizeBytes: number;
}

/** Receives until the file has its size; returns the digest of what is there. */
async function receive(request: DownloadRequest, lock: HeldLock): Promise<string> {
  const { blob, signal } = request;
  const file = await readPartial(lock.fd, blob);
  for (let stalls = 0; file.sizeBytes < blob.sizeBytes; ) {
    const response = await request.registry.openBlob(blob.digest, file.sizeBytes); // which tries several times itself
    const before = file.sizeBytes;
    try {
      await receiveSome(request, file, response);
    } catch (error) {
      if (!isOcicatError(error, 'unavailable', 'timeout')) throw error;
      stalls = file.sizeBytes > before ? 0 : stalls + 1;
      if (stalls >= MAX_STALLS) throw brokenDownload(request, error);
      await pause(STALL_DELAY_MS * stalls, signal);
    }
  }
  report(request, file.sizeBytes);
  return finishDigest(file.hash, blob.digest.algorithm).text;
}

function brokenDownload(request: DownloadRequest, cause: OcicatError): OcicatError {
  const message = `download "${request.blob.digest.text}": the connection keeps breaking (${describeErrno(cause)})`;
  return new OcicatError('unavailable', `${message}; run the command again to continue it`, { cause });
}

/** Hashes what is there already; more than the blob has is of no use. */
async function readPartial(fd: number, blob: Descriptor): Promise<PartialFile> {
  const file = { fd, hash: createHash(blob.digest.algorithm), sizeBytes: fstatSync(fd).size };
  if (file.sizeBytes > blob.sizeBytes) restart(file, blob);
  if (file.sizeBytes === 0) return file;
  const content = createReadStream('', { fd, autoClose: false, start: 0, highWaterMark: 1024 * 1024 });
  for await (const chunk of content) file.hash.update(chunk);
  return file;
}

function restart(file: PartialFile, blob: Descriptor): void {
  ftruncateSync(file.fd, 0);
  file.hash = createHash(blob.digest.algorithm);
  file.sizeBytes = 0;
}

async function receiveSome(request: DownloadRequest, file: PartialFile, response: HttpResponse): Promise<void> {
  const { blob } = request;
  const stop = (): void => response.cancel();
  request.signal.addEventListener('abort', stop, { once: true });
  try {
    if (file.sizeBytes > 0 && !continuesAt(response, file.sizeBytes)) {
      request.progress({ kind: 'note', text: 'cannot use cached partial download, range request unsupported.' });
      restart(file, blob);
      if (response.status !== 200) return; // asked again, from the start
    }
    for await (const chunk of response.body) {
      if (file.sizeBytes + chunk.length > blob.sizeBytes) {
        throw new OcicatError('corrupt', `download "${blob.digest.text}": more than its ${blob.sizeBytes} bytes come`);
      }
      append(file, chunk);
      report(request, file.sizeBytes);
    }
    if (file.sizeBytes < blob.sizeBytes) throw new OcicatError('unavailable', 'the answer is cut short');
  } finally {
    request.signal.removeEventListener('abort', stop);
    response.cancel();
  }
}

function continuesAt(response: HttpResponse, offset: number): boolean {
  const start = /^bytes (\d+)-/.exec(response.headers.get('content-range') ?? '')?.[1];
  return response.status === 206 && Number(start) === offset;
}

function append(file: PartialFile, chunk: Uint8Array): void {
  for (let at = 0; at < chunk.length; ) {
    at += writeSync(file.fd, chunk, at, chunk.length - at, file.sizeBytes + at);
  }
  file.hash.update(chunk);
  file.sizeBytes += chunk.length;
}

function report(request: DownloadRequest, receivedBytes: number): void {
  const { digest, sizeBytes } = request.blob;
  request.progress({ kind: 'layer', digest: digest.text, receivedBytes, totalBytes: sizeBytes });
}
