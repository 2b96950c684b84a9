import { expect, test } from 'bun:test';
import { OcicatError } from '../../base/errors.ts';
import { computeChainIds, parseDigest } from './digest.ts';
import { type IndexEntry, parseImageDocument, parseManifest } from './manifest.ts';
import { choosePlatform, computePlatformLabels, formatPlatforms } from './platform.ts';

const a = `sha256:${'a'.repeat(64)}`;
const b = `sha256:${'b'.repeat(64)}`;
const image = { schemaVersion: 2, config: { digest: a, size: 1 }, layers: [{ digest: b, size: 2, mediaType: 'x' }] };

function messageOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof OcicatError) return error.message;
  }
  return '';
}

test('reads a manifest', () => {
  expect(parseManifest('m', JSON.stringify(image), 'application/vnd.oci.image.manifest.v1+json')).toEqual({
    kind: 'image',
    config: { digest: parseDigest(a), sizeBytes: 1 },
    layers: [{ digest: parseDigest(b), sizeBytes: 2 }],
  });
});

test('reads an index by its type, by the answer’s type, or by its fields', () => {
  const manifests = [{ digest: a, size: 1, platform: { os: 'linux', architecture: 'arm64', variant: 'v8' } }];
  const entries = [
    { digest: parseDigest(a), sizeBytes: 1, platform: { os: 'linux', architecture: 'arm64', variant: 'v8' } },
  ];
  const index = { schemaVersion: 2, manifests };
  const type = 'application/vnd.docker.distribution.manifest.list.v2+json';
  for (const [json, contentType] of [
    [{ ...index, mediaType: type }, undefined],
    [index, `${type}; charset=utf-8`],
    [index, 'application/json'],
  ] as const) {
    expect(parseManifest('m', JSON.stringify(json), contentType)).toEqual({ kind: 'index', entries });
  }
});

test.each([
  ['{', 'm: is not JSON'],
  ['[]', 'm: document: found a list of 0, wanted an object'],
  [
    '{"schemaVersion":1}',
    'm: is a docker schema 1 manifest, wanted schema 2 or OCI; push the image again with a present-day tool',
  ],
  [
    '{"schemaVersion":2,"config":{"digest":"sha256:1","size":-1},"layers":7}',
    'm: config.digest: found "sha256:1", wanted a sha256 or sha512 digest; config.size: found -1, wanted a whole number from 0; layers: found 7, wanted a list',
  ],
  [
    JSON.stringify({ ...image, layers: Array(128).fill(image.config) }),
    'm: layers: found 128 items, wanted at most 127',
  ],
  ['['.repeat(200_000), 'm: is nested deeper than 500 levels'],
  [
    `{"schemaVersion":2,"config":{"digest":[18446744073709551615],"size":18446744073709551615},"layers":[]}`,
    'm: config.digest: found a list of 1, wanted a sha256 or sha512 digest; config.size: found 18446744073709551615, wanted a whole number from 0',
  ],
  [
    JSON.stringify({ schemaVersion: 2, manifests: Array(50).fill(0) }),
    `m: ${Array.from({ length: 20 }, (_, i) => `manifests[${i}]: found 0, wanted an object`).join('; ')}; and 30 more`,
  ],
])('refuses the manifest %.60s', (json, message) => {
  expect(messageOf(() => parseManifest('m', json, undefined))).toBe(message);
});

test('reads a configuration, taking null for absent and sets for sorted lists', () => {
  const json = JSON.stringify({
    os: 'linux',
    architecture: 'amd64',
    created: '2020-01-01T00:00:00Z',
    rootfs: { type: 'layers', diff_ids: [a] },
    config: { Cmd: null, Entrypoint: ['/e'], ExposedPorts: { '80/tcp': {}, '53/udp': {} }, Volumes: { '/d': {} } },
  });
  const document = parseImageDocument('c', json);
  expect(document.platform).toEqual({ os: 'linux', architecture: 'amd64', variant: undefined });
  expect(document.diffIds.map((id) => id.text)).toEqual([a]);
  expect(document.config).toEqual({
    User: undefined,
    Entrypoint: ['/e'],
    Cmd: undefined,
    Env: undefined,
    WorkingDir: undefined,
    ExposedPorts: ['53/udp', '80/tcp'],
    Volumes: ['/d'],
    Labels: undefined,
    StopSignal: undefined,
  });
});

test('refuses a configuration with every issue', () => {
  const json = '{"os":"linux","architecture":7,"rootfs":{},"config":{"Env":["A=1",2],"User":"a\\u0000b"}}';
  expect(messageOf(() => parseImageDocument('c', json))).toBe(
    'c: architecture: found 7, wanted a text; config.User: found "a\\u0000b", wanted a text without NUL; config.Env[1]: found 2, wanted a text without NUL; rootfs.diff_ids: found nothing, wanted a list',
  );
});

test('names stacks of layers as the OCI specification does', () => {
  const chain = computeChainIds([parseDigest(a), parseDigest(b)]);
  const expected = new Bun.CryptoHasher('sha256').update(`${a} ${b}`).digest('hex');
  expect(chain.map((id) => id.text)).toEqual([a, `sha256:${expected}`]);
});

const entry = (architecture: string, variant?: string, os = 'linux'): IndexEntry => ({
  digest: parseDigest(a),
  sizeBytes: 1,
  platform: { os, architecture, variant },
});

test.each([
  ['x64', [entry('amd64', undefined, 'windows'), entry('arm64', 'v8'), entry('amd64')], 2],
  ['arm64', [entry('amd64'), entry('arm64'), entry('arm64', 'v8')], 2],
  ['arm', [entry('arm', 'v5'), entry('arm', 'v6'), entry('arm', 'v7')], 2],
  ['arm', [entry('arm', 'v6'), entry('arm64')], 0],
  ['x64', [entry('arm64')], -1],
  ['riscv64', [entry('amd64')], -1],
] as readonly (readonly [string, readonly IndexEntry[], number])[])('chooses for %s', (machine, entries, index) => {
  expect(choosePlatform(entries, machine)).toBe(entries[index]);
});

test('an index of one image without platform is that image', () => {
  const only: IndexEntry = { digest: parseDigest(a), sizeBytes: 1, platform: undefined };
  expect(choosePlatform([only], 'x64')).toBe(only);
  expect(choosePlatform([only, entry('arm64')], 'x64')).toBeUndefined();
  expect(formatPlatforms([only, entry('arm', 'v7'), entry('arm', 'v7')])).toBe('unknown, linux/arm/v7');
});

test.each([
  ['amd64', undefined, 'amd64'],
  ['386', undefined, 'i386'],
  ['arm64', 'v8', 'aarch64'],
  ['arm', 'v6', 'armv6l'],
  ['arm', undefined, 'armv7l'],
])('calls %s %s what rkt calls it', (architecture, variant, arch) => {
  expect(computePlatformLabels({ os: 'linux', architecture, variant })).toEqual({ os: 'linux', arch });
});

test('refuses platforms that do not run', () => {
  expect(() => computePlatformLabels({ os: 'freebsd', architecture: 'amd64', variant: undefined })).toThrow(
    'bad os "freebsd"',
  );
  expect(() => computePlatformLabels({ os: 'linux', architecture: 'mips', variant: undefined })).toThrow(
    'bad arch "mips" for linux (must be one of: amd64, i386, aarch64, aarch64_be, armv6l, armv7l, armv7b, ppc64le)',
  );
});
