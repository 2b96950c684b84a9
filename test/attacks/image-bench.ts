// A host, a registry and a store for images that attack, shared by all of them.
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openWorld, type Result } from '../support/host/world.ts';
import { openRegistryServer } from '../support/images/registry-server.ts';
import { makeSentinel, snapshotHost } from './host-snapshot.ts';
import { type HostileImage, plantImage } from './hostile-images.ts';

const rkt = join(import.meta.dir, '../../dist/bin/rkt');
const FETCH_TIMEOUT_MS = 30_000;

export interface ImageBench {
  /** The tree that attacks aim at. */
  readonly sentinel: string;
  /** Pushes the image; returns its reference. */
  plant(image: HostileImage): Promise<string>;
  /** `rkt fetch` */
  fetch(...args: readonly string[]): Promise<Result>;
  /** `rkt run` without networks. */
  run(...args: readonly string[]): Promise<Result>;
  /** Another command of rkt. */
  rkt(...args: readonly string[]): Promise<Result>;
  /** Names of all layers, downloads and half-made things in the store. */
  stored(): readonly string[];
  /** Equal as long as nothing happened to the host, its mounts included; those of pods' networks stay until gc. */
  snapshot(): Promise<readonly string[]>;
  /** Where a layer lies. */
  treePath(name: string): string;
  /** Runs a program of the host as another user. */
  asNobody(...command: readonly string[]): Promise<Result>;
  close(): Promise<void>;
}

/** `forged` is the URL of a registry that sends what no real one would; it answers for `forged.invalid`. */
export async function openImageBench(forged: string): Promise<ImageBench> {
  const [world, server] = await Promise.all([openWorld(), openRegistryServer()]);
  const sentinel = join(world.directory, 'sentinel');
  makeSentinel(sentinel);
  const mirrors = join(world.directory, 'local/mirrors.d');
  mkdirSync(mirrors);
  for (const [name, url] of [
    ['registry', server.url],
    ['forged', forged],
  ] as const) {
    const entry = { rktKind: 'registryMirror', rktVersion: 'v1', registries: [`${name}.invalid`], mirrors: [url] };
    writeFileSync(join(mirrors, `${name}.json`), JSON.stringify(entry));
  }
  const options = [`--dir=${world.dataDir}`, `--local-config=${world.directory}/local`, '--system-config=/nonexistent'];
  let planted = 0;

  /** Outside of the world, whose network does not reach the registry. */
  async function fetchImage(...args: readonly string[]): Promise<Result> {
    const command = [rkt, ...options, 'fetch', ...args];
    const child = Bun.spawn(command, {
      stdout: 'pipe',
      stderr: 'pipe',
      timeout: FETCH_TIMEOUT_MS,
      killSignal: 'SIGKILL',
    });
    const [stdout, stderr, status] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
      child.exited,
    ]);
    return { status, stdout, stderr };
  }

  return {
    sentinel,
    async plant(image) {
      const tag = `n${planted++}`;
      await plantImage(`${server.url}/v2/attack/image`, tag, image);
      return `docker://registry.invalid/attack/image:${tag}`;
    },
    fetch: fetchImage,
    run: (...args) => world.run(rkt, ...options, 'run', '--net=none', ...args),
    rkt: (...args) => world.run(rkt, ...options, ...args),
    stored: () =>
      ['tree', 'blob', 'tmp', 'locks'].flatMap((dir) => readdirSync(join(world.dataDir, 'cas', dir)).sort()),
    async snapshot() {
      const mounts = await world.run('cat', '/proc/self/mountinfo');
      const others = mounts.stdout.split('\n').filter((line) => !line.includes(' /run/netns'));
      return [...snapshotHost(sentinel), ...others];
    },
    treePath: (name) => join(world.dataDir, 'cas/tree', name, 'fs'),
    asNobody: (...command) => world.run('setpriv', '--reuid=65534', '--clear-groups', ...command),
    async close() {
      await Promise.all([world.close(), server.close()]);
    },
  };
}
