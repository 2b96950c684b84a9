import { afterEach, beforeEach, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type MemoryDatastore, openMemoryDatastore } from '../../../test/support/datastore/memory.ts';
import { type Attacher, createAttacher } from '../../attach/attacher.ts';
import type { AttachContext } from '../../attach/context.ts';
import { idOf } from '../../attach/endpoint/endpoint.ts';
import { type NodeCache, openNodeCache } from '../../attach/endpoint/node-cache.ts';
import { OcicatError } from '../../base/errors.ts';
import { type CniDispatcher, createDispatcher } from '../../cni/server/dispatch.ts';
import { printKey } from '../../datastore/keys.ts';
import type { WorkloadLinkState } from '../../kernel/link/workload-link-state.ts';
import { openLog } from '../../sys/log.ts';
import { COLLECT_GRACE_MS, createEndpointCollector, type EndpointCollector } from './endpoint-collector.ts';

const RESOURCES = '/calico/resources/v3/projectcalico.org';
const NOW_MS = Date.UTC(2026, 10, 23);
const signal = new AbortController().signal;

let store: MemoryDatastore;
let folder: string;
let cache: NodeCache;
let attacher: Attacher;
let dispatcher: CniDispatcher;
let collector: EndpointCollector;
/** Names of the host links that are there. */
let links: Set<string>;
let isOurs: boolean;
let logged: string[];

async function put(key: string, value: object): Promise<void> {
  await store.commit({ conditions: [], writes: [{ kind: 'put', key, value: JSON.stringify(value) }] });
}

function missing(): ReadonlySet<string> {
  const all = cache.endpoints().map(({ endpoint }) => endpoint);
  return new Set(all.filter(({ spec }) => !links.has(spec.interfaceName ?? '')).map(idOf));
}

function linkNamed(name: string): WorkloadLinkState {
  const nothing = { mac: undefined, alias: undefined, peer: undefined, endpoint: undefined };
  return { ...nothing, name, index: 1, up: true, running: true, mtuBytes: 1500, group: 0 };
}

function contextOf(): AttachContext {
  return {
    nodeName: 'host-1',
    datastore: store,
    cache,
    links: {
      isForeign: () => false,
      create: ({ hostName }) => void links.add(hostName),
      raise: () => undefined,
      check: () => [],
      observe: () => [...links].map(linkNamed),
      remove: async (hostName) => (links.delete(hostName) ? 'removed' : 'absent'),
      endFlows: async () => undefined,
    },
    policyApplied: async () => undefined,
    endpointGone: () => undefined,
    whyBehind: () => undefined,
    whyCutOff: () => undefined,
    mtuBytes: () => 1500,
    unmadeTunnels: () => new Set(),
    isOwnAddress: () => true,
    findListener: () => undefined,
    endpointFolder: join(folder, 'endpoints'),
    nodeLease: { isHeld: async () => true, require: async () => undefined },
    boot: 'boot-1',
    now: () => NOW_MS,
    log: openLog((line) => logged.push(line.replace(/^\S+ /, '').trimEnd())),
  };
}

async function addContainer(id: string): Promise<void> {
  const variables = { CNI_COMMAND: 'ADD', CNI_CONTAINERID: id, CNI_IFNAME: 'eth0', CNI_NETNS: '/n', CNI_PATH: folder };
  const config = { cniVersion: '0.1.0', name: 'network1', type: 'calico', ipam: { type: 'calico-ipam' } };
  const answer = await dispatcher.answer({ program: 'calico', variables, input: JSON.stringify(config) }, 99);
  if (answer.status !== 0) throw new Error(answer.output);
}

const endpointsInStore = async () => (await store.list(`${RESOURCES}/workloadendpoints/`)).kvs.length;
const handlesInStore = async () => (await store.list('/calico/ipam/v2/handle/')).kvs.length;

beforeEach(async () => {
  store = openMemoryDatastore();
  folder = mkdtempSync(join(tmpdir(), 'ocitest-collector-'));
  [links, logged, isOurs] = [new Set(), [], true];
  const spec = { clusterGUID: 'a', clusterType: '', calicoVersion: '', datastoreReady: true };
  const apiVersion = 'projectcalico.org/v3';
  await put(printKey({ kind: 'resource', resourceKind: 'ClusterInformation', namespace: undefined, name: 'default' }), {
    kind: 'ClusterInformation',
    apiVersion,
    metadata: { name: 'default' },
    spec,
  });
  await put(`${RESOURCES}/nodes/host-1`, { kind: 'Node', apiVersion, metadata: { name: 'host-1' }, spec: {} });
  await put(`${RESOURCES}/ippools/pool`, {
    kind: 'IPPool',
    apiVersion,
    metadata: { name: 'pool' },
    spec: { cidr: '192.168.0.0/26', nodeSelector: 'all()' },
  });
  cache = openNodeCache(store, 'host-1');
  await cache.refresh(signal);
  cache.setInSync(true);
  const context = contextOf();
  attacher = createAttacher(context);
  const { nodeName, log } = context;
  dispatcher = createDispatcher({ nodeName, attacher, pendingFolder: join(folder, 'pending'), log }, signal);
  collector = createEndpointCollector(
    { workloads: { missing }, cache, attacher, isOurs: async () => isOurs, log },
    signal,
  );
  for (const id of ['container-a', 'container-b']) await addContainer(id);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** As a reboot does it. */
function loseLink(container: string): void {
  for (const link of links) if (link.endsWith(container)) links.delete(link);
}

test('an endpoint that has been without a link for half a minute goes, and gives its address back', async () => {
  loseLink('container-a');
  expect(links.size).toBe(1);
  expect(await collector.collect(NOW_MS)).toBe(COLLECT_GRACE_MS);
  expect(await collector.collect(NOW_MS + COLLECT_GRACE_MS - 1)).toBe(1);
  expect([await endpointsInStore(), await handlesInStore()]).toEqual([2, 2]);
  await collector.collect(NOW_MS + COLLECT_GRACE_MS);
  expect([await endpointsInStore(), await handlesInStore()]).toEqual([1, 1]);
  expect(cache.endpoints().map(({ endpoint }) => endpoint.spec.containerID)).toEqual(['container-b']);
  expect(logged).toEqual([
    'INFO endpoint default/host--1-cni-container--a-eth0 had lost its link; removed, its addresses are free',
  ]);
});

test('a link that comes back in time begins a new half minute', async () => {
  loseLink('container-a');
  await collector.collect(NOW_MS);
  links.add('calicontainer-a');
  await collector.collect(NOW_MS + 20_000);
  loseLink('container-a');
  await collector.collect(NOW_MS + 40_000);
  await collector.collect(NOW_MS + 40_000 + COLLECT_GRACE_MS - 1);
  expect(await endpointsInStore()).toBe(2);
  await collector.collect(NOW_MS + 40_000 + COLLECT_GRACE_MS);
  expect(await endpointsInStore()).toBe(1);
});

test('nothing is removed while the datastore has not been read', async () => {
  loseLink('container-a');
  await collector.collect(NOW_MS);
  cache.setInSync(false);
  await collector.collect(NOW_MS + COLLECT_GRACE_MS);
  expect(await endpointsInStore()).toBe(2);
});

test('one that comes back while another is removed stays', async () => {
  for (const container of ['container-a', 'container-b']) loseLink(container);
  await collector.collect(NOW_MS);
  const { removeIfStale } = attacher;
  let first = true;
  Object.assign(attacher, {
    removeIfStale: async (...call: Parameters<typeof removeIfStale>) => {
      if (first) links.add('calicontainer-b');
      first = false;
      return removeIfStale(...call);
    },
  });
  await collector.collect(NOW_MS + COLLECT_GRACE_MS);
  expect(await endpointsInStore()).toBe(1);
});

test('one that cannot be removed is told, stays, and is tried again', async () => {
  loseLink('container-a');
  await collector.collect(NOW_MS);
  const { removeIfStale } = attacher;
  const fail = async () => {
    throw new OcicatError('unavailable', 'reach datastore: it is away');
  };
  Object.assign(attacher, { removeIfStale: fail });
  await collector.collect(NOW_MS + COLLECT_GRACE_MS);
  expect(logged).toEqual([
    'WARN endpoint default/host--1-cni-container--a-eth0 has lost its link and could not be removed: reach datastore: it is away',
  ]);
  Object.assign(attacher, { removeIfStale });
  await collector.collect(NOW_MS + COLLECT_GRACE_MS + 20_000);
  expect(await endpointsInStore()).toBe(1);
});

test('nothing is removed when another host has the name of the node by now', async () => {
  loseLink('container-a');
  await collector.collect(NOW_MS);
  isOurs = false;
  await collector.collect(NOW_MS + COLLECT_GRACE_MS);
  expect([await endpointsInStore(), await handlesInStore()]).toEqual([2, 2]);
  expect(logged.at(-1)).toBe(
    "WARN endpoint default/host--1-cni-container--a-eth0 has no link here, and the node's name is not ours",
  );
  isOurs = true;
  await collector.collect(NOW_MS + COLLECT_GRACE_MS);
  expect(await endpointsInStore()).toBe(1);
});

test('a container whose ADD is under way keeps its endpoint, however long that takes', async () => {
  loseLink('container-a');
  await collector.collect(NOW_MS);
  const again = addContainer('container-a'); // as after a reboot, for a runtime that keeps IDs
  const collected = collector.collect(NOW_MS + COLLECT_GRACE_MS);
  links.add('calicontainer-a');
  await Promise.all([again, collected]);
  expect(await endpointsInStore()).toBe(2);
});
