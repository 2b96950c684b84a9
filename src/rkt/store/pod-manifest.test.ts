import { expect, test } from 'bun:test';
import { type PodManifest, parsePodManifest, printPodManifest } from './pod-manifest.ts';

const manifest: PodManifest = {
  apps: [
    {
      name: 'busybox',
      image: { name: 'registry.example/busybox', id: 'sha512-00', labels: [{ name: 'version', value: 'latest' }] },
      app: {
        exec: ['sh', '-c', 'true'],
        user: '0',
        group: '0',
        supplementaryGIDs: [400],
        workingDirectory: '/',
        environment: [{ name: 'A', value: 'b' }],
        mountPoints: [{ name: 'volume-data', path: '/data' }],
        isolators: [{ name: 'resource/memory', value: { limit: '42Mi' } }],
      },
      readOnlyRootFS: true,
      mounts: [{ volume: 'data', path: '/data' }],
      annotations: [{ name: 'example.com/key', value: 'v' }],
    },
  ],
  volumes: [
    { kind: 'host', name: 'data', source: '/srv', readOnly: true, recursive: undefined },
    { kind: 'empty', name: 'tmp', readOnly: undefined, mode: 0o123, uid: 9991, gid: 9992 },
  ],
};

test('what is printed is read back', () => {
  expect(parsePodManifest('pod', printPodManifest(manifest, '\t'))).toEqual(manifest);
});

test('a damaged manifest is refused with every issue', () => {
  const json = '{"apps":[{"name":"../x","image":{},"app":null,"mounts":[]}],"volumes":[{"name":"v","kind":"disk"}]}';
  expect(() => parsePodManifest('P', json)).toThrow(
    /^pod manifest "P": apps\[0\]\.name: .*apps\[0\]\.app: .*volumes\[0\]\.kind: /,
  );
  expect(() => parsePodManifest('P', '{')).toThrow('pod manifest "P": is not JSON');
});
