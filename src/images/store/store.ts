// The image store: records by ID, references as typed, and the layer trees that images share.
import { mkdirSync, readdirSync, rmSync, statSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { OcicatError } from '../../base/errors.ts';
import { parseDocument } from '../../schema/parse.ts';
import { text } from '../../schema/scalars.ts';
import { object } from '../../schema/schema.ts';
import { tryReadText } from '../../sys/files.ts';
import { close, flock, LOCK_EX, LOCK_NB, LOCK_SH, O_CLOEXEC, O_CREAT, O_RDWR, open } from '../../sys/libc.ts';
import { replaceFileDurably } from '../../sys/replace-file.ts';
import { visibleLayers } from '../archive/visible-layers.ts';
import type { Digest } from '../spec/digest.ts';
import { computeLayout, recordPath, referencePath, type StoreLayout, treePath } from './layout.ts';
import { formatImageName, type ImageRecord, parseRecord, printRecord } from './record.ts';
import { discardUnused, sweepTemporaryFiles, sweepTrees } from './sweep.ts';
import { isTreeWhole } from './tree.ts';

/**
 * An open store keeps others from sweeping it. Whoever starts a pod from an image closes the store only after the pod's
 * directory names the layer paths; a long-running process closes it then.
 */
export interface ImageStore {
  readonly layout: StoreLayout;
  /** By a docker reference as it was typed at fetch (without `docker://`), or by `name[:version]`, the newest import first. */
  find(reference: string): ImageRecord | undefined;
  /** By ID or a prefix of it, with or without `sha512-`. Throws `not-found` or `invalid` with rkt's message. */
  get(idPrefix: string): ImageRecord;
  /** Oldest import first. */
  list(): readonly ImageRecord[];
  /** By its whole ID; undefined when the store does not have it. */
  tryGet(id: string): ImageRecord | undefined;
  /** Adds or replaces a record. */
  put(record: ImageRecord): void;
  /** Lets a reference, as typed, point at an image. */
  remember(reference: string, id: string): void;
  /** Forgets the image and the references to it; its trees stay until a sweep. Throws `not-found`. */
  remove(id: string): void;
  /** Sets the time of last use to now. */
  touch(id: string): void;
  /** Top-most first, as overlayfs wants its lower directories. */
  layerPaths(image: ImageRecord): readonly string[];
  /** Whether every layer tree is there. */
  isWhole(image: ImageRecord): boolean;
  /** Deletes the trees that no image has and that are not among the used ones (layer paths of pods); undefined when others have the store open. */
  sweep(usedLayerPaths: readonly string[]): { readonly removedTrees: number } | undefined;
  /** Deletes those of the trees that no image has; they must be the caller's own. Leaves them to a sweep when others have the store open. */
  discardTrees(chainIds: readonly Digest[]): void;
  close(): void;
}

/** Opens, creating what is missing; whoever finds himself alone removes what a killed fetch left. Throws `kernel` when refused. */
export function openImageStore(dataDir: string): ImageStore {
  const layout = computeLayout(dataDir);
  const lock = openStoreLock(layout);
  return {
    layout,
    find: (reference) => findByReference(layout, reference) ?? findByName(layout, reference),
    get: (idPrefix) => getRecord(layout, idPrefix),
    list: () => listRecords(layout),
    tryGet: (id) => tryReadRecord(recordPath(layout, id)),
    put: (record) => replaceFileDurably(recordPath(layout, record.id), printRecord(record), 0o600, layout.tmp),
    remember: (reference, id) => rememberReference(layout, reference, id),
    remove: (id) => removeRecord(layout, id),
    touch: (id) => touchRecord(layout, id),
    layerPaths: (image) =>
      visibleLayers(image.layers.map((layer) => join(treePath(layout, layer.chainId), 'fs')).reverse()),
    isWhole: (image) => image.layers.every((layer) => isTreeWhole(layout, layer.chainId)),
    sweep: (used) => whileAlone(lock, () => ({ removedTrees: sweepTrees(layout, listRecords(layout), used) })),
    discardTrees: (chainIds) => {
      whileAlone(lock, () => discardUnused(layout, listRecords(layout), chainIds));
    },
    close: () => close(lock),
  };
}

function openStoreLock(layout: StoreLayout): number {
  const dirs = [layout.images, layout.references, layout.trees, layout.blobs, layout.locks, layout.tmp];
  for (const dir of dirs) mkdirSync(dir, { recursive: true, mode: 0o700 });
  const lock = open(layout.lock, O_RDWR | O_CREAT | O_CLOEXEC, 0o600);
  try {
    if (flock(lock, LOCK_EX | LOCK_NB)) sweepTemporaryFiles(layout, Date.now());
    flock(lock, LOCK_SH);
    return lock;
  } catch (error) {
    close(lock);
    throw error;
  }
}

/** Undefined when others have the store open. */
function whileAlone<T>(lock: number, act: () => T): T | undefined {
  try {
    if (!flock(lock, LOCK_EX | LOCK_NB)) return undefined;
    return act();
  } finally {
    flock(lock, LOCK_SH);
  }
}

const referencePointer = object({ reference: text(), id: text() });

function findByReference(layout: StoreLayout, reference: string): ImageRecord | undefined {
  const path = referencePath(layout, reference);
  const json = tryReadText(path);
  if (json === undefined) return undefined;
  const pointer = parseDocument(`image reference "${path}"`, json, referencePointer, 'closed');
  return pointer.reference === reference ? tryReadRecord(recordPath(layout, pointer.id)) : undefined;
}

function findByName(layout: StoreLayout, name: string): ImageRecord | undefined {
  return listRecords(layout).findLast((image) => image.name === name || formatImageName(image) === name);
}

function tryReadRecord(path: string): ImageRecord | undefined {
  const json = tryReadText(path);
  const lastUsedMs = statSync(path, { throwIfNoEntry: false })?.mtimeMs;
  return json === undefined || lastUsedMs === undefined ? undefined : parseRecord(path, json, lastUsedMs);
}

function getRecord(layout: StoreLayout, idPrefix: string): ImageRecord {
  const hex = idPrefix.replace(/^sha512-/, '');
  if (hex.length < 2) throw new OcicatError('invalid', 'image ID too short');
  const names = readdirSync(layout.images).filter((name) => name.startsWith(hex) && name.endsWith('.json'));
  if (names.length > 1) throw new OcicatError('invalid', `ambiguous image ID: "${idPrefix}"`);
  const record = names[0] === undefined ? undefined : tryReadRecord(join(layout.images, names[0]));
  if (record === undefined) throw new OcicatError('not-found', 'no image IDs found');
  return record;
}

function listRecords(layout: StoreLayout): readonly ImageRecord[] {
  return readdirSync(layout.images)
    .filter((name) => name.endsWith('.json'))
    .map((name) => tryReadRecord(join(layout.images, name)))
    .filter((image) => image !== undefined)
    .sort((a, b) => a.importedAtMs - b.importedAtMs || (a.id < b.id ? -1 : 1));
}

function rememberReference(layout: StoreLayout, reference: string, id: string): void {
  replaceFileDurably(referencePath(layout, reference), `${JSON.stringify({ reference, id })}\n`, 0o600, layout.tmp);
}

/** The record goes first: a reference that points nowhere means the same as none. */
function removeRecord(layout: StoreLayout, id: string): void {
  const path = recordPath(layout, id);
  if (tryReadText(path) === undefined) throw new OcicatError('not-found', 'no image IDs found');
  rmSync(path, { force: true });
  for (const name of readdirSync(layout.references)) {
    const pointer = join(layout.references, name);
    const json = tryReadText(pointer);
    if (json !== undefined && parseDocument(pointer, json, referencePointer, 'closed').id === id)
      rmSync(pointer, { force: true });
  }
}

function touchRecord(layout: StoreLayout, id: string): void {
  const now = new Date();
  utimesSync(recordPath(layout, id), now, now);
}
