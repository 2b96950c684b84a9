import { afterEach, beforeEach, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type MemoryDatastore, openMemoryDatastore } from '../../test/support/datastore/memory.ts';
import { OcicatError } from '../base/errors.ts';
import { printKey } from '../datastore/keys.ts';
import { formatIp, parseIp } from '../net/ip.ts';
import { type PortMapping, tryParsePortMapping } from '../net/port-mapping.ts';
import { type Attacher, createAttacher } from './attacher.ts';
import type { AttachContext } from './context.ts';
import { openNodeCache } from './endpoint/node-cache.ts';
import type { AttachRequest, RemoveRequest } from './request.ts';
import { createAttachRequest } from './usual-request.ts';

const RESOURCES = '/calico/resources/v3/projectcalico.org';
const signal = new AbortController().signal;

let store: MemoryDatastore;
let folder: string;
/** Names of the host's links. */
let links: Set<string>;
/** What the client has written down to be removed later. */
let deferred: RemoveRequest | undefined;

async function put(kind: 'ClusterInformation' | 'Node' | 'IPPool', name: string, spec: object): Promise<void> {
  const key = printKey({ kind: 'resource', resourceKind: kind, namespace: undefined, name });
  const value = JSON.stringify({ kind, apiVersion: 'projectcalico.org/v3', metadata: { name }, spec });
  await store.commit({ conditions: [], writes: [{ kind: 'put', key, value }] });
}

async function open(changes: Partial<AttachContext> = {}): Promise<Attacher> {
  const cache = openNodeCache(store, 'host-1');
  await cache.refresh(signal);
  cache.setInSync(true);
  return createAttacher({
    nodeName: 'host-1',
    datastore: store,
    cache,
    links: {
      create: ({ hostName }) => void links.add(hostName),
      raise: () => undefined,
      check: ({ hostName }) => (links.has(hostName) ? [] : [{ path: 'link', found: 'nothing', wanted: hostName }]),
      observe: () => [],
      isForeign: () => false,
      remove: async (hostName) => (links.delete(hostName) ? 'removed' : 'absent'),
      endFlows: async () => undefined,
    },
    policyApplied: async () => undefined,
    endpointGone: () => undefined,
    whyBehind: () => undefined,
    whyCutOff: () => undefined,
    nodeLease: { isHeld: async () => true, require: async () => undefined },
    boot: 'boot-1',
    mtuBytes: () => 1440,
    unmadeTunnels: () => new Set(),
    isOwnAddress: () => true,
    findListener: () => undefined,
    endpointFolder: join(folder, 'endpoints'),
    now: Date.now,
    log: { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined },
    ...changes,
  });
}

function requestOf(changes: Partial<AttachRequest> = {}): AttachRequest {
  const request = createAttachRequest({
    attachment: { containerId: 'web', interfaceName: 'eth0' },
    network: 'network1',
    netnsFd: 99,
    deferred: {
      load: () => deferred,
      save: () => {
        deferred = request;
      },
      clear: () => {
        deferred = undefined;
      },
    },
    ...changes,
  });
  return request;
}

const mapping = (text: string) => tryParsePortMapping(text) ?? expect.unreachable(text);
const countUnder = async (prefix: string) => (await store.list(prefix)).kvs.length;
const left = async () => [
  await countUnder(`${RESOURCES}/workloadendpoints/`),
  await countUnder('/calico/ipam/v2/handle/'),
  links.size,
];

beforeEach(async () => {
  store = openMemoryDatastore();
  folder = mkdtempSync(join(tmpdir(), 'ocitest-attach-'));
  [links, deferred] = [new Set(), undefined];
  await put('ClusterInformation', 'default', { clusterGUID: 'a', datastoreReady: true });
  await put('Node', 'host-1', {});
  await put('IPPool', 'pool', { cidr: '192.168.0.0/26', nodeSelector: 'all()' });
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test('a client other than CNI attaches, checks, detaches and collects with a request of its own', async () => {
  const attacher = await open();
  const attached = await attacher.add(requestOf({ workload: 'web' }), signal);
  expect(attached.addresses.map(({ ip, gateway }) => [formatIp(ip), formatIp(gateway)])).toEqual([
    ['192.168.0.0', '169.254.1.1'],
  ]);
  expect(attached.endpoint.spec).toMatchObject({ workload: 'web', profiles: ['network1'] });
  await attacher.check({ ...requestOf(), compare: () => [] }, signal);
  const differs = { path: 'mine', found: 'a', wanted: 'b' };
  await expect(attacher.check({ ...requestOf(), compare: () => [differs] }, signal)).rejects.toMatchObject({
    code: 'not-found',
    issues: [differs],
  });
  await attacher.remove(requestOf(), signal);
  expect(await left()).toEqual([0, 0, 0]);
  await attacher.add(requestOf(), signal);
  const removalOf = (attachment: RemoveRequest['attachment']) => requestOf({ attachment });
  const { scope, network } = requestOf();
  const collect = { scope, network, provider: undefined, removalOf };
  await attacher.collect({ ...collect, valid: [requestOf().attachment] }, signal);
  expect(await left()).toEqual([1, 1, 1]);
  await attacher.collect({ ...collect, valid: [] }, signal);
  expect(await left()).toEqual([0, 0, 0]);
});

test('a client says which workload, network and namespace, and gets the usual for all the rest', async () => {
  const { endpoint, addresses, mtuBytes, routes } = await (await open()).add(requestOf(), signal);
  expect([addresses.length, mtuBytes, routes]).toEqual([1, 1440, []]);
  expect(endpoint.metadata).toMatchObject({ name: 'host--1-cni-web-eth0', namespace: 'default' });
  expect(endpoint.spec).toMatchObject({ profiles: ['network1'], interfaceName: 'caliweb' });
  expect(await countUnder(`${RESOURCES}/profiles/network1`)).toBe(1);
});

test('another provider of addresses is asked first and given back to when the rest fails', async () => {
  const calls: string[] = [];
  const note = (call: string) => async () => void calls.push(call);
  const provider = {
    name: 'leases',
    take: async () => ({ addresses: [parseIp('10.0.0.5')], routes: [], answer: 'lease 5' }),
    giveBack: note('give back'),
    check: async (answer: string | undefined) => void calls.push(`check ${answer}`),
    collect: note('collect'),
    status: note('status'),
  };
  const request = requestOf({ provider });
  const attacher = await open();
  expect((await attacher.add(request, signal)).addresses.map(({ ip }) => formatIp(ip))).toEqual(['10.0.0.5']);
  await attacher.check({ ...request, compare: () => [] }, signal);
  await attacher.remove(request, signal);
  expect(calls.splice(0)).toEqual(['check lease 5', 'give back']);
  const policyApplied = async () => {
    throw new OcicatError('kernel', 'apply: ENOSPC');
  };
  await expect((await open({ policyApplied })).add(request, signal)).rejects.toThrow('apply: ENOSPC');
  expect(calls).toEqual(['give back']);
  expect(await left()).toEqual([0, 0, 0]);
});

test('workloads that come at once share transactions, and still have names, links and addresses of their own', async () => {
  let commits = 0;
  const commit: MemoryDatastore['commit'] = (transaction, abort) => {
    commits += 1;
    return store.commit(transaction, abort);
  };
  const attacher = await open({ datastore: { ...store, commit } });
  // by the first characters of the ID the links of all would have one name
  const attachments = Array.from({ length: 40 }, (_, index) => ({
    containerId: `web-and-nothing-else-${index}`,
    interfaceName: 'eth0',
  }));
  const attached = await Promise.all(attachments.map((attachment) => attacher.add(requestOf({ attachment }), signal)));
  expect(new Set(attached.map(({ endpoint }) => endpoint.spec.interfaceName)).size).toBe(40);
  expect(new Set(attached.flatMap(({ addresses }) => addresses.map(({ ip }) => ip))).size).toBe(40);
  expect(commits).toBeLessThanOrEqual(3);
  commits = 0;
  await Promise.all(attachments.map((attachment) => attacher.remove(requestOf({ attachment }), signal)));
  expect(commits).toBeLessThanOrEqual(3);
  expect(await left()).toEqual([0, 0, 0]);
});

test('of workloads that ask for one port of the host at once, one has it and the others are told which', async () => {
  const attacher = await open();
  const port = mapping('8080:80/tcp');
  const ask = (containerId: string, portMappings: readonly PortMapping[]) =>
    attacher.add(requestOf({ attachment: { containerId, interfaceName: 'eth0' }, portMappings }), signal);
  const outcomes = await Promise.allSettled([ask('first', []), ask('web', [port]), ask('shop', [port])]);
  expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected']);
  const [, , shop] = outcomes;
  expect(shop?.status === 'rejected' ? shop.reason.message : '').toContain('container "web" has it');
});

test('a removal that its client wrote down is done before the same workload is attached again', async () => {
  const attacher = await open();
  await attacher.add(requestOf({ addresses: [parseIp('192.168.0.7')] }), signal);
  deferred = requestOf();
  const attached = await attacher.add(requestOf({ addresses: [parseIp('192.168.0.9')] }), signal);
  expect(attached.addresses.map(({ ip }) => formatIp(ip))).toEqual(['192.168.0.9']);
  expect(deferred).toBeUndefined();
  await attacher.removeIfDeferred(requestOf(), signal);
  expect(await left()).toEqual([1, 1, 1]);
});

test('ports of the host are kept with the endpoint, and one container has each', async () => {
  const attacher = await open({ nodeLease: { isHeld: async () => false, require: async () => undefined } });
  const portMappings = [mapping('8080:80/tcp'), mapping('127.0.0.1:53:53/udp')];
  const other = (containerId: string, text: string, interfaceName = 'eth0') =>
    attacher.add(requestOf({ attachment: { containerId, interfaceName }, portMappings: [mapping(text)] }), signal);
  const { endpoint } = await attacher.add(requestOf({ workload: 'shop', portMappings }), signal);
  expect(endpoint.metadata.annotations).toEqual({ 'ocicat/port-mappings': '8080:80/tcp 127.0.0.1:53:53/udp' });
  await expect(other('b', '8000-8100:80-180/tcp')).rejects.toThrow(
    'map port "8000-8100/tcp" of the host: container "web" ("shop") has it',
  );
  const check = (text: string) =>
    attacher.check({ ...requestOf({ portMappings: [mapping(text)] }), compare: () => [] }, signal);
  await check('8080:80/tcp');
  await expect(check('8080:81/tcp')).rejects.toMatchObject({
    issues: [{ path: 'portMappings', found: '8080:80/tcp, 127.0.0.1:53:53/udp', wanted: '8080:81/tcp' }],
  });
  await other('b', '8080:80/udp');
  await other('web', '8080:80/tcp', 'eth1');
  const results = await Promise.allSettled([other('c', '9000:80/tcp'), other('d', '9000:80/tcp')]);
  expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
});

test('a port twice, and at an address that the host has not, are refused before anything is made', async () => {
  const attacher = await open({ isOwnAddress: () => false });
  const ask = (...texts: readonly string[]) => attacher.add(requestOf({ portMappings: texts.map(mapping) }), signal);
  await expect(ask('80:80/tcp', '127.0.0.1:70-80:70-80/tcp')).rejects.toMatchObject({ code: 'invalid' });
  await expect(ask('192.0.2.7:80:80/tcp')).rejects.toThrow('the host has no address "192.0.2.7"');
  const most = { ...mapping('65535:80/tcp'), count: 2 };
  await expect(attacher.add(requestOf({ portMappings: [most] }), signal)).rejects.toThrow(
    'wanted ports from 1 to 65535',
  );
  await ask('0.0.0.0:80:80/tcp');
});

test('a port that a program of the host listens on is refused, unless the container has it already', async () => {
  const nodeLease = { isHeld: async () => false, require: async () => undefined };
  let listener: string | undefined;
  const attacher = await open({ nodeLease, findListener: () => listener });
  const portMappings = [mapping('80:80/tcp')];
  await attacher.add(requestOf({ portMappings }), signal);
  listener = '"nginx" (process 7)';
  const ask = (containerId: string, text: string) =>
    attacher.add(
      requestOf({ attachment: { containerId, interfaceName: 'eth1' }, portMappings: [mapping(text)] }),
      signal,
    );
  await ask('web', '80:80/tcp');
  await expect(ask('b', '81:80/tcp')).rejects.toThrow(
    'map port "81/tcp" of the host: "nginx" (process 7) listens on it',
  );
});

test('a port of a container whose link has gone is given to another', async () => {
  const attacher = await open();
  const ask = (containerId: string) =>
    attacher.add(
      requestOf({ attachment: { containerId, interfaceName: 'eth0' }, portMappings: [mapping('80:80/tcp')] }),
      signal,
    );
  await ask('a');
  await ask('b');
  expect(await countUnder(`${RESOURCES}/workloadendpoints/`)).toBe(1);
});

test('each interface of a workload that spans its networks has the labels of all, as long as it is in them', async () => {
  const attacher = await open();
  const requestFor = (number: number, changes: Partial<AttachRequest> = {}) =>
    requestOf({
      attachment: { containerId: 'web', interfaceName: `eth${number}` },
      network: `network${number}`,
      spansNetworks: true,
      labels: { network9: 'mine' },
      ...changes,
    });
  const labels = async () => {
    const { kvs } = await store.list(`${RESOURCES}/workloadendpoints/`);
    const endpoints = kvs.map(({ value }) => JSON.parse(value));
    return endpoints.map(({ metadata, spec }) => [
      spec.endpoint,
      ...Object.keys(metadata.labels)
        .filter((key) => key.startsWith('network'))
        .sort(),
      metadata.annotations?.['ocicat/other-networks'] ?? 'alone',
    ]);
  };
  await attacher.add(requestFor(1), signal);
  expect(await labels()).toEqual([['eth1', 'network9', 'alone']]);
  await attacher.add(requestFor(2), signal);
  await attacher.add(requestFor(9), signal);
  expect(await labels()).toEqual([
    ['eth1', 'network2', 'network9', 'network2'],
    ['eth2', 'network1', 'network9', 'network1'],
    ['eth9', 'network1', 'network2', 'network9', 'network1 network2'],
  ]);
  await attacher.remove(requestFor(1), signal);
  expect(await labels()).toEqual([
    ['eth2', 'network9', 'alone'],
    ['eth9', 'network2', 'network9', 'network2'],
  ]);
  const refusing = await open({ policyApplied: () => Promise.reject(new OcicatError('kernel', 'no room')) });
  await expect(refusing.add(requestFor(1), signal)).rejects.toThrow('no room');
  expect(await labels()).toEqual([
    ['eth2', 'network9', 'alone'],
    ['eth9', 'network2', 'network9', 'network2'],
  ]);
  await attacher.add(requestFor(1, { spansNetworks: false }), signal);
  expect((await labels())[0]).toEqual(['eth1', 'network9', 'alone']);
});

test('an internal network is not joined where its profile is of an open one', async () => {
  const attacher = await open();
  await attacher.add(requestOf(), signal);
  const inner = { attachment: { containerId: 'db', interfaceName: 'eth0' }, isInternal: true };
  await expect(attacher.add(requestOf(inner), signal)).rejects.toThrow(
    'its profile "network1" is not of an internal one',
  );
  const other = requestOf({ ...inner, network: 'inner' });
  await attacher.add(other, signal);
  await attacher.add(
    requestOf({ ...inner, attachment: { containerId: 'db2', interfaceName: 'eth0' }, network: 'inner' }),
    signal,
  );
  const { kv } = await store.get(`${RESOURCES}/profiles/inner`);
  expect(JSON.parse(kv?.value ?? '{}').spec.egress).toEqual([
    { action: 'Allow', destination: { selector: 'has(inner)' } },
  ]);
});

const NEVER = new Promise<never>(() => undefined);
/** Carries commits out, and the process is killed before it hears of it. */
const unheard = (): Partial<AttachContext> => ({
  datastore: { ...store, commit: (transaction) => store.commit(transaction).then(() => NEVER) },
});

/** Asks, and is cut off when the endpoint is in the store. */
async function cutOff(changes: Partial<AttachContext>, ask: (attacher: Attacher) => Promise<unknown>): Promise<void> {
  void ask(await open(changes));
  while ((await countUnder('/calico/ipam/v2/handle/')) === 0) await Bun.sleep(1);
  await Bun.sleep(1);
}

test.each([
  ['its commit', unheard],
  ['its policy', () => ({ policyApplied: () => NEVER })],
])('what an ADD that was cut off at %s has left goes with the next start', async (_, changes) => {
  await cutOff(changes(), (attacher) => attacher.add(requestOf(), signal));
  const next = await open();
  await next.removeIfDeferred(requestOf(), signal);
  expect([await left(), deferred]).toEqual([[0, 0, 0], undefined]);
});

test('so do addresses alone, which no endpoint tells of', async () => {
  await cutOff(unheard(), (attacher) => attacher.addAddresses(requestOf({ scope: 'addresses' }), signal));
  expect(await left()).toEqual([0, 1, 0]);
  await (await open()).removeIfDeferred(requestOf({ scope: 'addresses' }), signal);
  expect([await left(), deferred]).toEqual([[0, 0, 0], undefined]);
});

test('what another provider was giving when the ADD was cut off is given back by the next start', async () => {
  let given = 0;
  const take = async () => {
    given += 1;
    return NEVER;
  };
  const giveBack = async () => {
    given -= 1;
  };
  const nothing = async () => undefined;
  const provider = { name: 'other', take, giveBack, check: nothing, collect: nothing, status: nothing };
  void (await open()).add(requestOf({ provider }), signal);
  while (given === 0) await Bun.sleep(1);
  expect(deferred).toBeDefined();
  await (await open()).removeIfDeferred(requestOf({ provider }), signal);
  expect([given, deferred]).toEqual([0, undefined]);
});

test('an ADD of what stands already, cut off or failed, is never taken back: its workload may live', async () => {
  await (await open()).add(requestOf(), signal);
  await cutOff({ policyApplied: () => NEVER }, (attacher) => attacher.add(requestOf(), signal));
  expect([await left(), deferred]).toEqual([[1, 1, 1], undefined]);
  const policyApplied = () => Promise.reject(new OcicatError('timeout', 'the kernel is busy'));
  await expect((await open({ policyApplied })).add(requestOf(), signal)).rejects.toThrow('busy');
  expect([await left(), deferred]).toEqual([[1, 1, 1], undefined]);
});

test.each([
  ['its own interface', { mode: 'interface' }],
  ['an interface that is there', { mode: 'profile' }],
] as const)('the removal of what nobody has answered, %s, asks the store', async (_, changes) => {
  let isLost = false;
  const commit: typeof store.commit = async (transaction) => {
    const outcome = await store.commit(transaction);
    if (isLost) throw new OcicatError('unavailable', 'no answer came');
    return outcome;
  };
  const attacher = await open({ datastore: { ...store, commit } });
  await attacher.add(requestOf(), signal);
  const provider = {
    name: 'other',
    take: async () => ({ addresses: [parseIp('10.9.9.9')], routes: [], answer: '' }),
    giveBack: async () => undefined,
    check: async () => undefined,
    collect: async () => undefined,
    status: async () => undefined,
  };
  const attachment = { containerId: 'web', interfaceName: 'eth1' };
  const second = requestOf({ network: 'network2', attachment, provider, ...changes });
  isLost = true;
  await expect(attacher.add(second, signal)).rejects.toThrow('no answer came');
  isLost = false;
  await attacher.remove(second, signal);
  const { kvs } = await store.list(`${RESOURCES}/workloadendpoints/`);
  expect(kvs.map(({ value }) => JSON.parse(value).spec.profiles)).toEqual([['network1']]);
});
