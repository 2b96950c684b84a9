// The agent's CNI socket with all that is behind it but the kernel and etcd: an in-memory store, and links that are names.
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createAttacher } from '../../../src/attach/attacher.ts';
import type { WorkloadLinks } from '../../../src/attach/context.ts';
import { openNodeCache } from '../../../src/attach/endpoint/node-cache.ts';
import { openCniServer } from '../../../src/cni/server/server.ts';
import { printKey } from '../../../src/datastore/keys.ts';
import { type MemoryDatastore, openMemoryDatastore } from '../datastore/memory.ts';

const NODE = 'host-1';
const signal = new AbortController().signal;

export interface MemoryAgent {
  readonly socketPath: string;
  /** An empty folder for plugins. */
  readonly folder: string;
  /** Everything that containers have: endpoints, handles, links, files of endpoints. */
  left(): Promise<readonly string[]>;
  /** Networks that endpoints are in. */
  networks(): readonly string[];
  close(): Promise<void>;
}

async function fill(store: MemoryDatastore): Promise<void> {
  const put = async (resourceKind: 'ClusterInformation' | 'IPPool' | 'Node', name: string, spec: object) => {
    const key = printKey({ kind: 'resource', resourceKind, namespace: undefined, name });
    const value = JSON.stringify({ kind: resourceKind, apiVersion: 'projectcalico.org/v3', metadata: { name }, spec });
    await store.commit({ conditions: [], writes: [{ kind: 'put', key, value }] });
  };
  await put('ClusterInformation', 'default', { clusterGUID: 'a', datastoreReady: true });
  await put('Node', NODE, {});
  await put('IPPool', 'four', { cidr: '192.168.0.0/24', nodeSelector: 'all()' });
  await put('IPPool', 'six', { cidr: 'fd80::/112', nodeSelector: 'all()' });
}

function createLinks(names: Set<string>): WorkloadLinks {
  return {
    create: ({ hostName }) => void names.add(hostName),
    raise: () => undefined,
    check: ({ hostName }) => (names.has(hostName) ? [] : [{ path: 'link', found: 'nothing', wanted: hostName }]),
    observe: () => [],
    isForeign: () => false,
    remove: async (hostName) => (names.delete(hostName) ? 'removed' : 'absent'),
    endFlows: async () => undefined,
  };
}

export async function openMemoryAgent(): Promise<MemoryAgent> {
  const folder = mkdtempSync(join(tmpdir(), 'ocitest-fuzz-'));
  const plugins = join(folder, 'plugins');
  mkdirSync(plugins);
  const store = openMemoryDatastore();
  await fill(store);
  const cache = openNodeCache(store, NODE);
  await cache.refresh(signal);
  cache.setInSync(true);
  const names = new Set<string>();
  const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
  const attacher = createAttacher({
    ...{ nodeName: NODE, datastore: store, cache, links: createLinks(names), boot: 'boot-1', log: silent },
    policyApplied: async () => undefined,
    endpointGone: () => undefined,
    whyBehind: () => undefined,
    whyCutOff: () => undefined,
    isOwnAddress: () => true,
    findListener: () => undefined,
    nodeLease: { isHeld: async () => true, require: async () => undefined },
    mtuBytes: () => 1440,
    unmadeTunnels: () => new Set(),
    endpointFolder: join(folder, 'endpoints'),
    now: Date.now,
  });
  const socketPath = join(folder, 'cni.sock');
  const context = { attacher, nodeName: NODE, pendingFolder: join(folder, 'pending'), log: silent };
  const server = await openCniServer(context, socketPath);
  const files = (name: string) => (readdirSync(folder).includes(name) ? readdirSync(join(folder, name)) : []);
  return {
    socketPath,
    folder: plugins,
    async left() {
      const prefixes = ['/calico/resources/v3/projectcalico.org/workloadendpoints/', '/calico/ipam/v2/handle/'];
      const listed = await Promise.all(prefixes.map((prefix) => store.list(prefix)));
      return [...listed.flatMap(({ kvs }) => kvs.map(({ key }) => key)), ...names, ...files('endpoints')];
    },
    networks: () => cache.endpoints().flatMap(({ endpoint }) => endpoint.spec.profiles ?? []),
    async close() {
      await server.close();
      await store.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
