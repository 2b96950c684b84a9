// Images from a real registry: every pull policy, every kind of manifest and compression, sharing and mirrors.
import { afterAll, afterEach, beforeAll, expect, test } from 'bun:test';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { LayerEntry } from '../../src/images/archive/layer-entries.ts';
import { computeDigest } from '../../src/images/spec/digest.ts';
import { formatImageName } from '../../src/images/store/record.ts';
import { buildImage } from '../../src/images/transfer/build.ts';
import { pushImage } from '../../src/images/transfer/push.ts';
import { openRegistryServer, type RegistryServer } from '../support/images/registry-server.ts';
import { mirrored, openWorkbench, type Workbench } from '../support/images/workbench.ts';

let server: RegistryServer;
let bench: Workbench;

const base: readonly LayerEntry[] = [
  { kind: 'copy', path: '/bin/busybox', source: '/bin/busybox' },
  { kind: 'symlink', path: '/bin/sh', target: 'busybox' },
  { kind: 'directory', path: '/tmp', mode: 0o1777 },
];

beforeAll(async () => {
  server = await openRegistryServer();
  bench = openWorkbench(mirrored(server.url));
});

afterAll(async () => {
  bench.close();
  await server.close();
});

afterEach(() => {
  bench.events.length = 0;
});

async function push(name: string, tag: string, ...layers: readonly (readonly LayerEntry[])[]): Promise<string> {
  const directory = await bench.build(`${name.replace('/', '+')}@${tag}`, layers, { Cmd: ['sh'], Env: ['PATH=/bin'] });
  const digest = await pushImage({ registryUrl: server.url, name, tag, directory });
  return digest.text;
}

function skopeo(...args: readonly string[]): void {
  const ran = Bun.spawnSync(['timeout', '60', 'skopeo', '--insecure-policy', ...args], {
    stdout: 'ignore',
    stderr: 'pipe',
    env: { PATH: process.env.PATH, HOME: bench.dir, XDG_RUNTIME_DIR: bench.dir },
  });
  if (ran.exitCode !== 0) throw new Error(`skopeo ${args.join(' ')}: ${ran.stderr.toString()}`);
}

const file = (content: string): readonly LayerEntry[] => [{ kind: 'file', path: '/etc/which', content }];

test('fetches what was pushed, under the names that rkt shows', async () => {
  const digest = await push('library/busybox', 'latest', base, file('one'));
  const image = await bench.fetch('docker://busybox');
  expect(formatImageName(image)).toBe('registry-1.docker.io/library/busybox:latest');
  expect(image.manifestDigest.text).toBe(digest);
  expect(image.labels).toEqual({ version: 'latest', os: 'linux', arch: 'amd64' });
  expect([image.config.Cmd, image.config.Env]).toEqual([['sh'], ['PATH=/bin']]);
  const [top = '', bottom = ''] = bench.store.layerPaths(image);
  expect(readFileSync(join(top, 'etc/which'), 'utf8')).toBe('one');
  expect(readFileSync(join(bottom, 'bin/sh'))).toEqual(readFileSync('/bin/busybox'));
  expect(statSync(join(bottom, 'tmp')).mode & 0o7777).toBe(0o1777);
  expect(image.sizeBytes).toBeGreaterThan(statSync('/bin/busybox').size);
  expect(readdirSync(bench.store.layout.blobs)).toEqual([]);
  expect(readdirSync(bench.store.layout.tmp)).toEqual([]);
  expect(readdirSync(bench.store.layout.locks)).toEqual([]);
});

test('policy new uses the store, update asks the registry, never refuses to', async () => {
  await push('library/policy', 'latest', base, file('old'));
  const old = await bench.fetch('docker://policy');
  expect(bench.events).toEqual([
    'debug: remote fetching from URL "docker://policy"',
    'debug: fetching image from docker://policy',
  ]);
  bench.events.length = 0;
  await push('library/policy', 'latest', base, file('new'));
  expect((await bench.fetch('docker://policy')).id).toBe(old.id);
  expect((await bench.fetch('docker://policy', { policy: 'never' })).id).toBe(old.id);
  expect(bench.events).toEqual(Array(2).fill('debug: using image from local store for url docker://policy'));
  const updated = await bench.fetch('docker://policy', { policy: 'update' });
  expect(updated.id).not.toBe(old.id);
  expect(bench.store.find('policy')?.id).toBe(updated.id);
  expect(bench.store.get(old.id).id).toBe(old.id);
  expect(updated.layers[0]).toEqual(old.layers[0] as never);
});

test('the store remembers references as they were typed', async () => {
  await push('library/literal', 'latest', base);
  const image = await bench.fetch('docker://literal');
  expect(await bench.problemOf('docker://literal:latest', { policy: 'never' })).toBe(
    'not-found: unable to fetch docker image from URL "docker://literal:latest": either image was not found in the store or store was disabled and fetching from remote yielded nothing or it was disabled',
  );
  expect((await bench.fetch('docker://literal:latest')).id).toBe(image.id);
  expect((await bench.fetch('docker://literal:latest', { policy: 'never' })).id).toBe(image.id);
  bench.store.remove(image.id);
  expect(await bench.problemOf('docker://literal', { policy: 'never' })).toStartWith('not-found: unable to fetch');
});

test('by digest there is no version, and the content is that digest’s', async () => {
  const digest = await push('calico/node', 'v1', base, file('by digest'));
  const image = await bench.fetch(`docker://quay.io/calico/node@${digest}`);
  expect([formatImageName(image), image.manifestDigest.text]).toEqual(['quay.io/calico/node', digest]);
});

test('fetching again after a tree was lost repairs the image', async () => {
  await push('library/lost', 'latest', file('lost'));
  const image = await bench.fetch('docker://lost');
  const [tree = ''] = bench.store.layerPaths(image);
  rmSync(join(tree, '..'), { recursive: true });
  expect(await bench.problemOf('docker://lost', { policy: 'never' })).toStartWith('not-found: unable to fetch');
  expect((await bench.fetch('docker://lost')).id).toBe(image.id);
  expect(readFileSync(join(tree, 'etc/which'), 'utf8')).toBe('lost');
});

test('an image that has one layer twice is whole', async () => {
  await push('library/twice', 'latest', base, file('x'), file('x'), base);
  const image = await bench.fetch('docker://twice');
  expect(image.layers).toHaveLength(4);
  expect(new Set(bench.store.layerPaths(image)).size).toBe(4);
  expect(bench.store.layerPaths(image).every((path) => existsSync(path))).toBe(true);
});

test('docker’s own format, uncompressed and zstd layers come in the same', async () => {
  const directory = await bench.build('formats', [base, file('formats')]);
  const source = `oci:${directory}`;
  const target = `docker://${server.host}/library/formats`;
  skopeo('copy', '--dest-tls-verify=false', '--format', 'v2s2', source, `${target}:docker`);
  skopeo('copy', '--dest-tls-verify=false', '--dest-compress-format', 'zstd', source, `${target}:zstd`);
  const plain = join(bench.dir, 'plain');
  skopeo('copy', '--dest-decompress', source, `dir:${plain}`);
  skopeo('copy', '--dest-tls-verify=false', '--dest-compress=false', `dir:${plain}`, `${target}:plain`);
  const images = await Promise.all(['docker', 'zstd', 'plain'].map((tag) => bench.fetch(`docker://formats:${tag}`)));
  const [first] = images;
  for (const image of images) expect(image.layers).toEqual(first?.layers as never);
  expect(new Set(images.map((image) => image.id)).size).toBe(3);
});

test('of a manifest list, this machine’s image', async () => {
  const layout = join(bench.dir, 'multi');
  const own = { x64: 'amd64', arm64: 'arm64' }[process.arch as string] ?? process.arch;
  const entries: object[] = [];
  for (const architecture of ['s390x', own, 'riscv64']) {
    const one = join(bench.dir, `multi-${architecture}`);
    const platform = { os: 'linux', architecture, variant: undefined };
    await buildImage({ directory: one, layers: [file(architecture)], platform });
    entries.push(...JSON.parse(readFileSync(join(one, 'index.json'), 'utf8')).manifests);
    cpSync(one, layout, { recursive: true });
  }
  const type = 'application/vnd.oci.image.index.v1+json';
  const index = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: type, manifests: entries }));
  const digest = computeDigest(index);
  writeFileSync(join(layout, 'blobs/sha256', digest.hex), index);
  const annotations = { 'org.opencontainers.image.ref.name': 'all' };
  const top = { mediaType: type, digest: digest.text, size: index.length, annotations };
  writeFileSync(join(layout, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests: [top] }));
  skopeo('copy', '--all', '--dest-tls-verify=false', `oci:${layout}:all`, `docker://${server.host}/library/multi:oci`);
  skopeo(
    'copy',
    '--all',
    '--dest-tls-verify=false',
    '--format',
    'v2s2',
    `oci:${layout}:all`,
    `docker://${server.host}/library/multi:docker`,
  );
  for (const tag of ['oci', 'docker']) {
    const image = await bench.fetch(`docker://multi:${tag}`);
    const [top = ''] = bench.store.layerPaths(image);
    expect(readFileSync(join(top, 'etc/which'), 'utf8')).toBe(own);
  }
});

test('an image for other machines only is refused by name', async () => {
  const directory = join(bench.dir, 'mips');
  await buildImage({ directory, layers: [], platform: { os: 'linux', architecture: 'mips', variant: undefined } });
  await pushImage({ registryUrl: server.url, name: 'library/mips', tag: 'latest', directory });
  expect(await bench.problemOf('docker://mips')).toBe(
    'unsupported: bad arch "mips" for linux (must be one of: amd64, i386, aarch64, aarch64_be, armv6l, armv7l, armv7b, ppc64le)',
  );
});

test('building twice gives the same digest, and pushing twice sends nothing again', async () => {
  const first = await push('library/same', 'one', base, file('x'));
  const blobs = join(server.storage, 'docker/registry/v2/blobs/sha256');
  const count = (): number => readdirSync(blobs, { recursive: true }).length;
  const before = count();
  expect(await push('library/same', 'two', base, file('x'))).toBe(first);
  expect(count()).toBe(before);
});

test('a copied directory keeps modes and links', async () => {
  const source = join(bench.dir, 'source');
  mkdirSync(join(source, 'sub'), { recursive: true });
  chmodSync(join(source, 'sub'), 0o750);
  chmodSync(source, 0o755);
  writeFileSync(join(source, 'sub/run'), 'run', { mode: 0o750 });
  Bun.spawnSync(['ln', '-s', '../elsewhere', join(source, 'sub/link')]);
  await push('library/tree', 'latest', [
    { kind: 'copy', path: '/opt', source },
    { kind: 'whiteout', path: '/opt/old' },
  ]);
  const [top = ''] = bench.store.layerPaths(await bench.fetch('docker://tree'));
  const listing = Bun.spawnSync(['find', '.', '-printf', '%p %m %U:%l\n'], { cwd: top });
  expect(listing.stdout.toString().trim().split('\n').sort()).toEqual([
    '. 755 0:',
    './opt 755 0:',
    './opt/old 0 0:',
    './opt/sub 750 0:',
    './opt/sub/link 777 0:../elsewhere',
    './opt/sub/run 750 0:',
  ]);
});

test('names that the registry does not have are one line with the way it was asked', async () => {
  expect(await bench.problemOf('docker://registry.invalid/absent:1')).toMatch(
    new RegExp(
      `^unavailable: registry "registry.invalid": cannot be reached for image "absent:1" \\(${server.url}: bad HTTP status code: 404; https://registry.invalid: ENOTFOUND\\); check the network, or name a mirror of it in /etc/rkt/mirrors.d$`,
    ),
  );
  expect(await bench.problemOf(`docker://${server.host}/absent`, { insecure: { http: true, tls: false } })).toBe(
    `not-found: registry "${server.host}": has no image "absent:latest" (https://${server.host}: EPROTO; http://${server.host}: bad HTTP status code: 404)`,
  );
});

test('plain http is used only when it is allowed', async () => {
  await push('plain', 'latest', base);
  expect(await bench.problemOf(`docker://${server.host}/plain`)).toBe(
    `unavailable: registry "${server.host}": cannot be reached for image "plain:latest" (https://${server.host}: EPROTO); check the network, or name a mirror of it in /etc/rkt/mirrors.d`,
  );
  const image = await bench.fetch(`docker://${server.host}/plain`, { insecure: { http: true, tls: false } });
  expect(image.name).toBe(`${server.host.replace(':', '-')}/plain`);
});
