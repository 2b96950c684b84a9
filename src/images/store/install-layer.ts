// Turns a downloaded blob into a layer tree of the store, in one rename.
import { createHash } from 'node:crypto';
import { createReadStream, mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { isOcicatError, OcicatError } from '../../base/errors.ts';
import { describeErrno, isErrno } from '../../sys/errno.ts';
import { removeTree } from '../../sys/remove-tree.ts';
import { replaceFileDurably, syncDirectory, temporaryPath } from '../../sys/replace-file.ts';
import type { Allowance } from '../archive/allowance.ts';
import { decompress } from '../archive/decompress.ts';
import { unpackLayer } from '../archive/unpack.ts';
import { visibleLayers } from '../archive/visible-layers.ts';
import { type Digest, finishDigest } from '../spec/digest.ts';
import { type StoreLayout, treePath } from './layout.ts';
import { type TreeRecord, tryReadTree } from './tree.ts';

/** Which blob is to become which tree. */
export interface InstallRequest {
  readonly layout: StoreLayout;
  /** Open for reading; closed by the caller. */
  readonly blobFd: number;
  readonly diffId: Digest;
  readonly chainId: Digest;
  /** The layers below, bottom-most first. */
  readonly lowerChainIds: readonly Digest[];
  readonly allowance: Allowance;
  readonly signal: AbortSignal;
}

/** Returns what is known about the tree now in place. Throws `corrupt` when the content is not what the diff ID says. */
export async function installLayer(request: InstallRequest): Promise<TreeRecord> {
  const { layout, chainId, diffId, lowerChainIds, signal } = request;
  const tmp = temporaryPath(layout.tmp);
  mkdirSync(tmp, { mode: 0o700 });
  try {
    const content = openContent(request);
    const lowerRoots = visibleLayers(lowerChainIds.map((id) => join(treePath(layout, id), 'fs')).reverse());
    await unpackLayer({
      chunks: content.chunks(),
      root: join(tmp, 'fs'),
      lowerRoots,
      addEntry: request.allowance.addEntry,
      addBytes: request.allowance.addBytes,
      signal,
    });
    const unpacked = content.finish();
    if (unpacked.digest.text !== diffId.text) {
      throw new OcicatError('corrupt', `layer "${diffId.text}": the content has the digest ${unpacked.digest.text}`);
    }
    const record: TreeRecord = { chainId: chainId.text, sizeBytes: unpacked.sizeBytes };
    replaceFileDurably(join(tmp, 'layer.json'), `${JSON.stringify(record)}\n`, 0o600, tmp);
    await syncFileSystem(tmp, signal);
    moveIntoPlace(layout, tmp, chainId);
    return record;
  } catch (cause) {
    if (isOcicatError(cause)) throw cause;
    throw new OcicatError('unavailable', `unpack layer "${diffId.text}": ${describeErrno(cause)}`, { cause });
  } finally {
    removeTree(tmp);
  }
}

function openContent(request: InstallRequest) {
  const hash = createHash(request.diffId.algorithm);
  let sizeBytes = 0;
  async function* chunks(): AsyncGenerator<Uint8Array> {
    const file = createReadStream('', { fd: request.blobFd, autoClose: false, start: 0, highWaterMark: 1024 * 1024 });
    for await (const chunk of decompress(file)) {
      hash.update(chunk);
      sizeBytes += chunk.length;
      request.allowance.addBytes(chunk.length);
      if (request.signal.aborted) throw new OcicatError('aborted', 'unpack layer: interrupted');
      yield chunk;
    }
  }
  return { chunks, finish: () => ({ digest: finishDigest(hash, request.diffId.algorithm), sizeBytes }) };
}

/** A tree must not be taken for whole after a power cut before its content was on disk; one call for the file system beats one per file. */
async function syncFileSystem(path: string, signal: AbortSignal): Promise<void> {
  const child = Bun.spawn(['/bin/sync', '-f', path], { stdin: 'ignore', stdout: 'ignore', stderr: 'pipe', signal });
  const errors = await new Response(child.stderr).text();
  if ((await child.exited) !== 0) throw new OcicatError('unavailable', `sync "${path}": ${errors.trim()}`);
}

/** When another process was faster, its tree is as good. */
function moveIntoPlace(layout: StoreLayout, tmp: string, chainId: Digest): void {
  try {
    renameSync(tmp, treePath(layout, chainId));
    syncDirectory(layout.trees);
  } catch (cause) {
    if (isErrno(cause, 'ENOTEMPTY', 'EEXIST') && tryReadTree(layout, chainId) !== undefined) return;
    throw new OcicatError('unavailable', `layer "${chainId.text}": cannot take its place: ${describeErrno(cause)}`, {
      cause,
    });
  }
}
