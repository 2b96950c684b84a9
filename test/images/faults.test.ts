// What goes wrong on the way from a registry: broken and forged downloads, killed and competing processes.
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'bun:test';
import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pushImage } from '../../src/images/transfer/push.ts';
import { type BlobFault, type FaultyProxy, openFaultyProxy } from '../support/images/proxy.ts';
import { findFreePort, openRegistryServer, type RegistryServer } from '../support/images/registry-server.ts';
import { mirrored, openWorkbench, type Workbench } from '../support/images/workbench.ts';

const CONTENT = randomBytes(400_000);

let server: RegistryServer;
let maker: Workbench;
let layerDigest = '';
let bench: Workbench;
let proxy: FaultyProxy;
let fault: (before: number) => BlobFault = () => ({ kind: 'none' });

beforeAll(async () => {
  server = await openRegistryServer();
  maker = openWorkbench();
  const directory = await maker.build('image', [[{ kind: 'file', path: '/data', content: CONTENT }]]);
  const pushed = await pushImage({ registryUrl: server.url, name: 'library/data', tag: 'latest', directory });
  const manifest = JSON.parse(readFileSync(join(directory, 'blobs/sha256', pushed.hex), 'utf8'));
  layerDigest = manifest.layers[0].digest;
});

afterAll(async () => {
  maker.close();
  await server.close();
});

beforeEach(async () => {
  proxy = await openFaultyProxy(server.url, (digest, before) =>
    digest === layerDigest ? fault(before) : { kind: 'none' },
  );
  bench = openWorkbench(mirrored(proxy.url));
});

afterEach(() => {
  bench.close();
  proxy.close();
});

function layerRequests(): readonly string[] {
  return proxy.blobRequests
    .filter((request) => request.startsWith(layerDigest))
    .map((request) => request.split(' ')[1] ?? 'whole');
}

function notes(): readonly string[] {
  return bench.events.filter((line) => line.startsWith('note: '));
}

async function expectWhole(): Promise<void> {
  const image = await bench.fetch('docker://data');
  const [top = ''] = bench.store.layerPaths(image);
  expect(readFileSync(join(top, 'data')).equals(CONTENT)).toBe(true);
}

function partialPath(): string {
  return join(bench.store.layout.blobs, `${layerDigest.replace(':', '-')}.partial`);
}

test.each(['break', 'end'] as const)('a download that is cut short (%s) goes on where it stopped', async (kind) => {
  fault = (before) => (before < 2 ? { kind, afterBytes: 100_000 } : { kind: 'none' });
  await expectWhole();
  expect(layerRequests()).toEqual(['whole', 'bytes=100000-', 'bytes=200000-']);
  expect(notes()).toEqual([]);
});

test('where ranges are unknown the download starts over, and says so', async () => {
  fault = (before) => (before === 0 ? { kind: 'break', afterBytes: 100_000 } : { kind: 'no-ranges' });
  await expectWhole();
  expect(notes()).toEqual(['note: cannot use cached partial download, range request unsupported.']);
});

test('a line that breaks without a byte more is given up, and what came is kept for the next time', async () => {
  fault = (before) => (before === 0 ? { kind: 'break', afterBytes: 100_000 } : { kind: 'end', afterBytes: 0 });
  expect(await bench.problemOf('docker://data')).toBe(
    `unavailable: download "${layerDigest}": the connection keeps breaking (the answer is cut short); run the command again to continue it`,
  );
  expect(statSync(partialPath()).size).toBe(100_000);
  expect(bench.store.list()).toEqual([]);
  fault = () => ({ kind: 'none' });
  await expectWhole();
  expect(layerRequests().at(-1)).toBe('bytes=100000-');
});

test('a damaged remainder of an earlier download is thrown away', async () => {
  fault = () => ({ kind: 'none' });
  writeFileSync(partialPath(), 'damaged');
  await expectWhole();
  expect(layerRequests()).toEqual(['bytes=7-', 'whole']);
  expect(notes()).toEqual(['note: cannot use cached partial download, resource updated.']);
});

test('a remainder larger than the blob is thrown away', async () => {
  fault = () => ({ kind: 'none' });
  writeFileSync(partialPath(), Buffer.alloc(500_000));
  await expectWhole();
  expect(layerRequests()).toEqual(['whole']);
});

test.each([
  [
    'other content of the same size',
    (size: number) => Buffer.alloc(size, 'x'),
    /^corrupt: download "sha256:\w+": the content has another digest$/,
  ],
  [
    'more than it should',
    (size: number) => Buffer.alloc(size + 1),
    /^corrupt: download "sha256:\w+": more than its \d+ bytes come$/,
  ],
])('a registry that sends %s is caught', async (_what, forge, message) => {
  const blob = readFileSync(
    join(server.storage, 'docker/registry/v2/blobs/sha256', layerDigest.slice(7, 9), layerDigest.slice(7), 'data'),
  );
  fault = () => ({ kind: 'forge', content: new Uint8Array(forge(blob.length)) });
  expect(await bench.problemOf('docker://data')).toMatch(message);
  expect(bench.store.list()).toEqual([]);
  expect(readdirSync(bench.store.layout.trees)).toEqual([]);
  fault = () => ({ kind: 'none' });
  await expectWhole();
});

test('an interrupted fetch leaves the store as it was', async () => {
  fault = () => ({ kind: 'stall', afterBytes: 100_000, pauseMs: 400 });
  const controller = new AbortController();
  setTimeout(() => controller.abort(), 200);
  expect(await bench.problemOf('docker://data', { signal: controller.signal })).toBe('aborted: download: interrupted');
  expect(bench.store.list()).toEqual([]);
  expect(readdirSync(bench.store.layout.tmp)).toEqual([]);
});

test('a registry that cannot be reached is one line that names it and the way out', async () => {
  const nobody = `127.0.0.1:${await findFreePort()}`;
  expect(await bench.problemOf(`docker://${nobody}/x`)).toBe(
    `unavailable: registry "${nobody}": cannot be reached for image "x:latest" (https://${nobody}: ECONNREFUSED); check the network, or name a mirror of it in /etc/rkt/mirrors.d`,
  );
});

/** A process of its own that fetches into the same store and prints what it tells, and its failure; `before` is shell. */
function fetchElsewhere(before = 'true', name = 'data') {
  const script = `
    import * as fs from 'node:fs';
    import { openImageStore } from '${join(import.meta.dir, '../../src/images/store/store.ts')}';
    import { fetchImage } from '${join(import.meta.dir, '../../src/images/transfer/fetch.ts')}';
    import { parseDockerReference } from '${join(import.meta.dir, '../../src/images/spec/reference.ts')}';
    import { mirrored } from '${join(import.meta.dir, '../support/images/workbench.ts')}';
    const store = openImageStore(${JSON.stringify(join(bench.dir, 'rkt'))});
    const fetched = fetchImage({
      store,
      reference: parseDockerReference('docker://${name}'),
      policy: 'new',
      config: mirrored(${JSON.stringify(proxy.url)}),
      insecure: { http: false, tls: false },
      maxImageBytes: 2 ** 30,
      progress: (event) => { if (event.kind === 'note') console.log(event.text); },
      signal: AbortSignal.timeout(20000),
    });
    console.log(await fetched.then((image) => image.id, (error) => error.code + ': ' + error.message));
    console.log([store.list(), ...['tmp', 'trees', 'locks'].map((name) => fs.readdirSync(store.layout[name]))].flat().length);
  `;
  return Bun.spawn(['unshare', '-m', '/bin/sh', '-c', `${before} && exec "$@"`, 'sh', process.execPath, '-e', script], {
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'inherit',
  });
}

async function waitFor(what: string, isSo: () => boolean): Promise<void> {
  for (let tries = 0; tries < 500; tries++) {
    if (isSo()) return;
    await Bun.sleep(10);
  }
  throw new Error(`waited in vain for ${what}`);
}

test('of two processes that fetch the same image one downloads, the other waits and says so', async () => {
  fault = () => ({ kind: 'stall', afterBytes: 100_000, pauseMs: 700 });
  const first = fetchElsewhere();
  await waitFor('the download', () => layerRequests().length === 1);
  const second = fetchElsewhere();
  const [one, two] = await Promise.all([new Response(first.stdout).text(), new Response(second.stdout).text()]);
  expect([await first.exited, await second.exited]).toEqual([0, 0]);
  expect(one).toMatch(/^sha512-[0-9a-f]{64}\n2\n$/);
  expect(two).toBe(`another rkt instance is downloading this file, waiting...\n${one}`);
  expect(layerRequests()).toEqual(['whole']);
  expect(readdirSync(bench.store.layout.locks)).toEqual([]);
});

test('after a kill in the middle of a download the next fetch continues it', async () => {
  fault = (before) => (before === 0 ? { kind: 'stall', afterBytes: 100_000, pauseMs: 5000 } : { kind: 'none' });
  const child = fetchElsewhere();
  await waitFor('the first bytes', () => existsSync(partialPath()) && statSync(partialPath()).size === 100_000);
  child.kill('SIGKILL');
  await child.exited;
  expect(bench.store.list()).toEqual([]);
  await expectWhole();
  expect(layerRequests()).toEqual(['whole', 'bytes=100000-']);
});

test.each([
  [
    '200k',
    /^exhausted: image "docker:\/\/data": the file system of ".*" has 20\d{4} bytes free, wanted 41\d{4} bytes; remove images and pods \(rkt image rm, rkt gc\), or choose another place by --dir\n0\n$/,
  ],
  ['600k', /^unavailable: unpack layer "sha256:[0-9a-f]{64}": ENOSPC\n0\n$/],
])('on a disk of %s the fetch fails in a line and leaves nothing but the download', async (size, output) => {
  fault = () => ({ kind: 'none' });
  const child = fetchElsewhere(`mount -t tmpfs -o size=${size} none ${join(bench.dir, 'rkt')}`);
  expect(await new Response(child.stdout).text()).toMatch(output);
});

test('a small download that unpacks to more than the disk has is refused on the way, and leaves nothing', async () => {
  const directory = await maker.build('zeros', [
    [{ kind: 'file', path: '/zeros', content: Buffer.alloc(64 * 2 ** 20) }],
  ]);
  await pushImage({ registryUrl: server.url, name: 'library/zeros', tag: 'latest', directory });
  const child = fetchElsewhere(`mount -t tmpfs -o size=40M none ${join(bench.dir, 'rkt')}`, 'zeros');
  expect(await new Response(child.stdout).text()).toMatch(
    /^exhausted: image "docker:\/\/zeros": the file system of ".*" has \d+ (MiB|bytes) free, wanted 2 MiB; remove images and pods .*\n0\n$/,
  );
});
