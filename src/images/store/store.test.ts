import { afterEach, beforeEach, expect, test } from 'bun:test';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { computeDigest } from '../spec/digest.ts';
import { emptyImageConfig } from '../spec/image-config.ts';
import { treePath } from './layout.ts';
import { computeImageId, formatImageName, type ImageRecord, parseRecord, printRecord } from './record.ts';
import { type ImageStore, openImageStore } from './store.ts';

let dir = '';
let store: ImageStore;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'ocicat-store-'));
  store = openImageStore(dir);
});

afterEach(() => {
  store.close();
  rmSync(dir, { recursive: true, force: true });
});

function record(
  name: string,
  version: string | undefined,
  importedAtMs: number,
  ...layers: readonly string[]
): ImageRecord {
  const manifestDigest = computeDigest(layers.join());
  return {
    id: computeImageId(name, version, manifestDigest),
    name,
    version,
    labels: { os: 'linux', arch: 'amd64', ...(version === undefined ? {} : { version }) },
    manifestDigest,
    config: { ...emptyImageConfig, Cmd: ['sh'], Env: ['A=1'], Labels: { a: 'b' }, ExposedPorts: ['80/tcp'] },
    layers: layers.map((layer) => ({ diffId: computeDigest(layer), chainId: computeDigest(layer), sizeBytes: 10 })),
    sizeBytes: 10 * layers.length,
    importedAtMs,
    lastUsedMs: importedAtMs,
  };
}

/** Puts an image with its trees into the store, as a fetch does. */
function put(image: ImageRecord, ...references: readonly string[]): ImageRecord {
  for (const layer of image.layers) mkdirSync(join(treePath(store.layout, layer.chainId), 'fs'), { recursive: true });
  store.put(image);
  for (const reference of references) store.remember(reference, image.id);
  return image;
}

const a = record('registry-1.docker.io/library/a', 'latest', 1000, 'base', 'a');
const b = record('quay.io/b', undefined, 2000, 'base', 'b');

test('a record reads back as it was written', () => {
  for (const image of [a, b]) expect(parseRecord('x', printRecord(image), image.lastUsedMs)).toEqual(image);
});

test('a damaged record is refused with every issue', () => {
  expect(() =>
    parseRecord('/r.json', printRecord(a).replace('sha512-', 'sha256-').replace('"os":"linux"', '"os":1'), 0),
  ).toThrow(
    `image record "/r.json": id: found "${a.id.replace('512', '256').slice(0, 61)}...", wanted an image ID; labels.os: found 1, wanted a text`,
  );
});

test('an ID is rkt’s shape, and says name and content', () => {
  expect(a.id).toMatch(/^sha512-[0-9a-f]{64}$/);
  expect(computeImageId(a.name, 'other', a.manifestDigest)).not.toBe(a.id);
  expect([formatImageName(a), formatImageName(b)]).toEqual(['registry-1.docker.io/library/a:latest', 'quay.io/b']);
});

test('finds by reference as typed and by name, the newest import first', () => {
  put(a, 'a', 'a:latest');
  put(b, 'quay.io/b@sha256:x');
  const newer = put(record(a.name, '2', 3000, 'base', 'c'), 'a:2');
  expect(store.find('a')?.id).toBe(a.id);
  expect(store.find('a:latest')?.id).toBe(a.id);
  expect(store.find('a:3')).toBeUndefined();
  expect(store.find('registry-1.docker.io/library/a:latest')?.id).toBe(a.id);
  expect(store.find('registry-1.docker.io/library/a')?.id).toBe(newer.id);
  expect(store.find('quay.io/b')?.id).toBe(b.id);
  store.remember('a', newer.id);
  expect(store.find('a')?.id).toBe(newer.id);
  expect(store.list().map((image) => image.id)).toEqual([a.id, b.id, newer.id]);
});

test('finds by ID and its prefixes, with rkt’s words when it does not', () => {
  put(a);
  expect(store.get(a.id)).toMatchObject({ id: a.id, config: a.config });
  expect(store.get(a.id.slice(0, 'sha512-'.length + 2)).id).toBe(a.id);
  expect(store.get(a.id.slice('sha512-'.length)).id).toBe(a.id);
  expect(() => store.get('sha512-a')).toThrow('image ID too short');
  expect(() => store.get('sha512-zz')).toThrow('no image IDs found');
  expect(() => store.get('sha512-../')).toThrow('no image IDs found');
  const hex = a.id.slice('sha512-'.length);
  const twin = { ...b, id: `sha512-${hex.slice(0, 62)}${hex.endsWith('00') ? '11' : '00'}` };
  put(twin);
  expect(() => store.get(`sha512-${hex.slice(0, 12)}`)).toThrow(`ambiguous image ID: "sha512-${hex.slice(0, 12)}"`);
  expect(store.get(a.id).id).toBe(a.id);
});

test('layer paths come top-most first', () => {
  expect(store.isWhole(a)).toBe(false);
  put(a);
  expect(store.isWhole(a)).toBe(true);
  expect(store.layerPaths(a)).toEqual(
    ['a', 'base'].map((layer) => join(dir, 'cas/tree', computeDigest(layer).hex.slice(0, 32), 'fs')),
  );
});

test('touching an image sets its last use and nothing else', () => {
  put(a);
  const path = join(store.layout.images, `${a.id.slice(7)}.json`);
  utimesSync(path, 1, 1);
  expect(store.get(a.id).lastUsedMs).toBe(1000);
  const before = Date.now();
  store.touch(a.id);
  expect(store.get(a.id).lastUsedMs).toBeGreaterThanOrEqual(before - 1);
  expect(store.get(a.id).importedAtMs).toBe(1000);
});

test('removing forgets the image and its references, and keeps its trees until a sweep', () => {
  put(a, 'a');
  put(b, 'b');
  store.remove(a.id);
  expect(store.find('a')).toBeUndefined();
  expect(store.find('b')?.id).toBe(b.id);
  expect(readdirSync(store.layout.references)).toHaveLength(1);
  expect(() => store.remove(a.id)).toThrow('no image IDs found');
  expect(store.isWhole(a)).toBe(true);
  expect(store.sweep([])).toEqual({ removedTrees: 1 });
  expect(store.isWhole(a)).toBe(false);
  expect(store.isWhole(b)).toBe(true);
});

test('a sweep spares what pods use, and does nothing while somebody else has the store open', () => {
  put(a);
  store.remove(a.id);
  const other = openImageStore(dir);
  expect(store.sweep([])).toBeUndefined();
  other.close();
  expect(store.sweep(store.layerPaths(a))).toEqual({ removedTrees: 0 });
  expect(store.isWhole(a)).toBe(true);
  expect(store.sweep(store.layerPaths(a).slice(1))).toEqual({ removedTrees: 1 });
  expect(readdirSync(store.layout.tmp)).toEqual([]);
});

test('whoever opens the store alone clears what a killed fetch left; downloads stay for a day', () => {
  function leave(): void {
    mkdirSync(join(store.layout.tmp, 'half/fs'), { recursive: true });
    writeFileSync(join(store.layout.locks, 'sha256-1'), '');
    writeFileSync(join(store.layout.blobs, 'fresh.partial'), 'x');
    writeFileSync(join(store.layout.blobs, 'old.partial'), 'x');
    utimesSync(join(store.layout.blobs, 'old.partial'), 1, 1);
  }
  leave();
  openImageStore(dir).close();
  expect(existsSync(join(store.layout.tmp, 'half'))).toBe(true);
  store.close();
  store = openImageStore(dir);
  expect(readdirSync(store.layout.tmp)).toEqual([]);
  expect(readdirSync(store.layout.locks)).toEqual([]);
  expect(readdirSync(store.layout.blobs)).toEqual(['fresh.partial']);
});

test('a reference to a record that is gone is no reference', () => {
  store.remember('a', a.id);
  expect(store.find('a')).toBeUndefined();
});
