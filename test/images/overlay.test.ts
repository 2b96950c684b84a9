// What a pod sees of an image: the layers of a fetched image under a real overlay mount, in a mount namespace of its own.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { pushImage } from '../../src/images/transfer/push.ts';
import { openRegistryServer, type RegistryServer } from '../support/images/registry-server.ts';
import { mirrored, openWorkbench, type Workbench } from '../support/images/workbench.ts';

let server: RegistryServer;
let bench: Workbench;

beforeAll(async () => {
  server = await openRegistryServer();
  bench = openWorkbench(mirrored(server.url));
});

afterAll(async () => {
  bench.close();
  await server.close();
});

/** Lists the merged tree, on a tmpfs for the writable layer. */
function listMerged(lower: readonly string[]): readonly string[] {
  const at = join(bench.dir, 'mount');
  mkdirSync(at, { recursive: true });
  const script = `set -e
    mount -t tmpfs none ${at}
    mkdir ${at}/upper ${at}/work ${at}/merged
    mount -t overlay overlay -o lowerdir=${lower.join(':')},upperdir=${at}/upper,workdir=${at}/work ${at}/merged
    cd ${at}/merged
    find . -mindepth 1 -printf '%p %m %y\\n' | sort
    cat f/kept`;
  const ran = Bun.spawnSync(['unshare', '-m', '/bin/sh', '-c', script]);
  if (ran.exitCode !== 0) throw new Error(ran.stderr.toString());
  return ran.stdout.toString().trim().split('\n');
}

test('deleted files are gone, opaque directories are empty, left-out parents keep their modes', async () => {
  const directory = await bench.build('layers', [
    [
      { kind: 'directory', path: '/tmp', mode: 0o1777 },
      { kind: 'file', path: '/f/kept', content: 'kept\n' },
      { kind: 'file', path: '/f/deleted', content: '' },
      { kind: 'file', path: '/dir/deleted', content: '' },
      { kind: 'file', path: '/again/old', content: '' },
      { kind: 'file', path: '/turns/directory', content: '' },
    ],
    [
      { kind: 'file', path: '/tmp/x', content: '' },
      { kind: 'whiteout', path: '/f/deleted' },
      { kind: 'whiteout', path: '/dir' },
      { kind: 'whiteout', path: '/again' },
      { kind: 'file', path: '/again/new', content: '' },
      { kind: 'file', path: '/turns', content: '' },
    ],
  ]);
  await pushImage({ registryUrl: server.url, name: 'library/layers', tag: 'latest', directory });
  const image = await bench.fetch('docker://layers');
  expect(listMerged(bench.store.layerPaths(image))).toEqual([
    './again 755 d',
    './again/new 644 f',
    './f 755 d',
    './f/kept 644 f',
    './tmp 1777 d',
    './tmp/x 644 f',
    './turns 644 f',
    'kept',
  ]);
});

test('an opaque root hides all layers below, and a layer above it adds to it', async () => {
  const directory = await bench.build('opaque-root', [
    [
      { kind: 'file', path: '/secret', content: 'hidden\n' },
      { kind: 'file', path: '/f/old', content: '' },
    ],
    [
      { kind: 'whiteout', path: '/.wh..opq' },
      { kind: 'file', path: '/f/kept', content: 'kept\n' },
    ],
    [{ kind: 'file', path: '/above', content: '' }],
  ]);
  await pushImage({ registryUrl: server.url, name: 'library/opaque-root', tag: 'latest', directory });
  const image = await bench.fetch('docker://opaque-root');
  expect(listMerged(bench.store.layerPaths(image))).toEqual(['./above 644 f', './f 755 d', './f/kept 644 f', 'kept']);
});
