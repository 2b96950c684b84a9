import { expect, test } from 'bun:test';
import {
  computeAppName,
  computeImageName,
  parseDockerReference,
  parseImageArgument,
  printTarget,
} from './reference.ts';

const hex = 'a'.repeat(64);

test.each([
  ['docker://busybox', 'busybox', 'registry-1.docker.io', 'library/busybox', 'latest'],
  ['docker:busybox', 'busybox', 'registry-1.docker.io', 'library/busybox', 'latest'],
  ['busybox:1.36', 'busybox:1.36', 'registry-1.docker.io', 'library/busybox', '1.36'],
  ['docker://docker.io/busybox', 'docker.io/busybox', 'registry-1.docker.io', 'library/busybox', 'latest'],
  ['docker://index.docker.io/a/b', 'index.docker.io/a/b', 'registry-1.docker.io', 'a/b', 'latest'],
  ['docker://calico/node:v3', 'calico/node:v3', 'registry-1.docker.io', 'calico/node', 'v3'],
  ['docker://quay.io/calico/node:v2.6.1', 'quay.io/calico/node:v2.6.1', 'quay.io', 'calico/node', 'v2.6.1'],
  ['docker://quay.io/etcd', 'quay.io/etcd', 'quay.io', 'etcd', 'latest'],
  ['docker://localhost/x', 'localhost/x', 'localhost', 'x', 'latest'],
  ['docker://localhost:5000/x/y:1', 'localhost:5000/x/y:1', 'localhost:5000', 'x/y', '1'],
  ['docker://[::1]:5000/x', '[::1]:5000/x', '[::1]:5000', 'x', 'latest'],
  [
    `docker://busybox@sha256:${hex}`,
    `busybox@sha256:${hex}`,
    'registry-1.docker.io',
    'library/busybox',
    `sha256:${hex}`,
  ],
  [`docker://a:1@sha256:${hex}`, `a:1@sha256:${hex}`, 'registry-1.docker.io', 'library/a', `sha256:${hex}`],
  [`h:1/b:v2@sha256:${hex}`, `h:1/b:v2@sha256:${hex}`, 'h:1', 'b', `sha256:${hex}`],
  [`h:1/a__b/c-d.e@sha256:${hex}`, `h:1/a__b/c-d.e@sha256:${hex}`, 'h:1', 'a__b/c-d.e', `sha256:${hex}`],
])('reads the reference %s', (text, literal, registry, repository, target) => {
  const reference = parseDockerReference(text);
  expect([reference.literal, reference.registry, reference.repository, printTarget(reference)]).toEqual([
    literal,
    registry,
    repository,
    target,
  ]);
});

test.each([
  'docker://',
  'docker://BusyBox',
  'docker://busybox:',
  'docker://busybox:a b',
  'docker://busybox@sha256:12',
  `docker://busybox:@sha256:${hex}`,
  `docker://busybox:1:2@sha256:${hex}`,
  'docker://a//b',
  'docker://-a',
  'docker://host:99999/a',
  'docker://host:0/a',
  'docker://user@host.com/a',
  'docker://../a',
  'docker://host.com/../a',
  `docker://${'a'.repeat(256)}`,
])('refuses the reference %s', (text) => {
  expect(() => parseDockerReference(text)).toThrow(
    `invalid docker URL "${text}"; expected syntax is "docker://[REGISTRY_HOST[:REGISTRY_PORT]/]IMAGE_NAME[:TAG]"`,
  );
});

test.each([
  ['sha512-ab', { kind: 'id', id: 'sha512-ab' }],
  [
    'registry-1.docker.io/library/busybox:latest',
    { kind: 'name', name: 'registry-1.docker.io/library/busybox:latest' },
  ],
  ['quay.io/calico/node', { kind: 'name', name: 'quay.io/calico/node' }],
] as const)('takes %s for something in the store', (text, argument) => {
  expect(parseImageArgument(text)).toEqual(argument);
});

test.each([
  ['file:///x.aci', 'image "file:///x.aci": is an ACI file, wanted docker://NAME[:TAG]'],
  ['https://example.com/x.aci', 'image "https://example.com/x.aci": is an ACI file, wanted docker://NAME[:TAG]'],
  ['./x', 'image "./x": is an ACI file, wanted docker://NAME[:TAG]'],
  ['/x/y', 'image "/x/y": is an ACI file, wanted docker://NAME[:TAG]'],
  ['a b', 'invalid image string "a b": wanted docker://NAME[:TAG] or an image ID'],
  ['', 'invalid image string "": wanted docker://NAME[:TAG] or an image ID'],
])('refuses the argument %p', (text, message) => {
  expect(() => parseImageArgument(text)).toThrow(message);
});

test.each([
  ['busybox', 'registry-1.docker.io/library/busybox', 'busybox'],
  ['localhost:5000/x', 'localhost-5000/x', 'x'],
  ['quay.io/calico/my__app_2', 'quay.io/calico/my__app_2', 'my-app-2'],
])('names %s in the store', (text, name, appName) => {
  expect(computeImageName(parseDockerReference(text))).toBe(name);
  expect(computeAppName(name)).toBe(appName);
});
