import { afterEach, beforeEach, expect, test } from 'bun:test';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type MemoryDatastore, openMemoryDatastore } from '../../../test/support/datastore/memory.ts';
import { type Attacher, createAttacher } from '../../attach/attacher.ts';
import type { AttachContext } from '../../attach/context.ts';
import { openNodeCache } from '../../attach/endpoint/node-cache.ts';
import { type Issue, OcicatError } from '../../base/errors.ts';
import { printKey } from '../../datastore/keys.ts';
import type { Datastore } from '../../datastore/port.ts';
import type { WorkloadLinkSpec } from '../../kernel/link/workload-link.ts';
import { formatIp, type Ip } from '../../net/ip.ts';
import { parseMac } from '../../net/mac.ts';
import { type CniDispatcher, createDispatcher } from './dispatch.ts';

const NOW_MS = Date.UTC(2026, 10, 23, 12, 0, 0, 120);
const NETNS_FD = 99;
const signal = new AbortController().signal;
const CID = '5bc080ca-1111-4222-8333-444455556666';
const WEP = '/calico/resources/v3/projectcalico.org/workloadendpoints/default/';
const HANDLE = '/calico/ipam/v2/handle/';

let store: MemoryDatastore;
let folder: string;
/** The kernel's stand-in: links by name. */
let links: Map<string, WorkloadLinkSpec & { up: boolean }>;
let steps: string[];
let logged: string[];

const resource = (resourceKind: 'ClusterInformation' | 'IPPool' | 'Node', name: string) =>
  printKey({ kind: 'resource', resourceKind, namespace: undefined, name });

function contextOf(datastore: Datastore, changes: Partial<AttachContext> = {}): AttachContext {
  const note = (line: string) => void logged.push(line);
  return {
    nodeName: 'host-1',
    datastore,
    cache: openNodeCache(datastore, 'host-1'),
    links: {
      create(spec) {
        steps.push(`create ${spec.hostName}`);
        links.set(spec.hostName, { ...spec, up: false });
      },
      raise({ hostName }) {
        steps.push(`raise ${hostName}`);
        const link = links.get(hostName);
        if (link === undefined) throw new OcicatError('not-found', 'no link');
        links.set(hostName, { ...link, up: true });
      },
      check(spec): readonly Issue[] {
        const link = links.get(spec.hostName);
        const same = link?.up === true && JSON.stringify(link.addresses) === JSON.stringify(spec.addresses);
        return same ? [] : [{ path: `host link ${spec.hostName}`, found: 'nothing', wanted: 'a link' }];
      },
      isForeign: () => false,
      observe: () =>
        [...links.values()].map((spec, index) => ({
          index,
          name: spec.hostName,
          mac: parseMac('ee:ee:ee:ee:ee:ee'),
          mtuBytes: 1500,
          up: spec.up,
          running: spec.up,
          alias: undefined,
          group: 0,
          peer: undefined,
          endpoint: spec.endpoint,
        })),
      async remove(hostName) {
        steps.push(`remove ${hostName}`);
        return links.delete(hostName) ? 'removed' : 'absent';
      },
      async endFlows(addresses) {
        steps.push(`end flows ${addresses.map(formatIp).join(' ')}`);
      },
    },
    async policyApplied(endpoint, modRevision) {
      steps.push(`policy ${endpoint.metadata.name} ${modRevision > 0}`);
    },
    endpointGone: (id) => void steps.push(`gone ${id}`),
    whyBehind: () => undefined,
    whyCutOff: () => undefined,
    mtuBytes: () => 1440,
    unmadeTunnels: () => new Set(),
    isOwnAddress: () => true,
    findListener: () => undefined,
    endpointFolder: join(folder, 'endpoints'),
    nodeLease: { isHeld: async () => true, require: async () => undefined },
    boot: 'boot-1',
    now: () => NOW_MS,
    log: {
      debug: () => undefined,
      info: note,
      warn: (message, error) => note(`${message} ${String(error ?? '')}`),
      error: note,
    },
    ...changes,
  };
}

interface Host extends CniDispatcher {
  readonly attacher: Attacher;
}

function dispatcherOf(context: AttachContext): Host {
  const attacher = createAttacher(context);
  const { nodeName, log } = context;
  const dispatcher = createDispatcher({ nodeName, attacher, pendingFolder: join(folder, 'pending'), log }, signal);
  return { ...dispatcher, attacher };
}

async function start(context: AttachContext): Promise<Host> {
  await context.cache.refresh(signal);
  context.cache.setInSync(true);
  return dispatcherOf(context);
}

async function put(key: string, value: object): Promise<void> {
  await store.commit({ conditions: [], writes: [{ kind: 'put', key, value: JSON.stringify(value) }] });
}

const setReady = (datastoreReady: boolean) =>
  put(resource('ClusterInformation', 'default'), {
    kind: 'ClusterInformation',
    apiVersion: 'projectcalico.org/v3',
    metadata: { name: 'default' },
    spec: { clusterGUID: 'a', clusterType: '', calicoVersion: '', datastoreReady },
  });

beforeEach(async () => {
  store = openMemoryDatastore();
  folder = mkdtempSync(join(tmpdir(), 'ocitest-cni-'));
  [links, steps, logged] = [new Map(), [], []];
  await setReady(true);
  const apiVersion = 'projectcalico.org/v3';
  await put(resource('Node', 'host-1'), { kind: 'Node', apiVersion, metadata: { name: 'host-1' }, spec: {} });
  await put(resource('IPPool', 'pool'), {
    kind: 'IPPool',
    apiVersion,
    metadata: { name: 'pool' },
    spec: { cidr: '192.168.0.0/26', nodeSelector: 'all()' },
  });
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

interface Ask {
  readonly program?: string;
  readonly id?: string;
  readonly ifname?: string;
  readonly network?: string;
  readonly args?: string;
  readonly config?: object;
}

/** Exit status and output, the output parsed when it is JSON. */
async function call(dispatcher: CniDispatcher, command: string, ask: Ask = {}): Promise<unknown[]> {
  const { program = 'calico', id = CID, ifname = 'eth0', network = 'network1', args = '', config = {} } = ask;
  const variables = {
    CNI_COMMAND: command,
    CNI_CONTAINERID: id,
    CNI_IFNAME: ifname,
    CNI_NETNS: command === 'DEL' ? '' : '/run/netns/c',
    CNI_ARGS: args,
    CNI_PATH: folder,
  };
  const input = JSON.stringify({
    cniVersion: '0.1.0',
    name: network,
    type: 'calico',
    ipam: { type: 'calico-ipam' },
    ...config,
  });
  const { status, output } = await dispatcher.answer(
    { program, variables, input },
    command === 'DEL' ? undefined : NETNS_FD,
  );
  return [status, output === '' ? '' : JSON.parse(output)];
}

async function readKey(key: string): Promise<string | undefined> {
  return (await store.get(key)).kv?.value;
}

async function keysUnder(prefix: string): Promise<readonly string[]> {
  return (await store.list(prefix)).kvs.map((kv) => kv.key.slice(prefix.length));
}

/** Nothing of any container is left, in the store, in the kernel or on disk. */
async function expectNothingLeft(): Promise<void> {
  expect(await keysUnder(WEP)).toEqual([]);
  expect(await keysUnder(HANDLE)).toEqual([]);
  for (const { value } of (await store.list('/calico/ipam/v2/assignment/')).kvs)
    expect(JSON.parse(value).attributes).toEqual([]);
  expect([...links.keys()]).toEqual([]);
  expect(existsSync(join(folder, 'pending')) ? readdirSync(join(folder, 'pending')) : []).toEqual([]);
}

const ok = (ip: string): unknown[] => [
  0,
  { cniVersion: '0.1.0', ip4: { ip: `${ip}/32`, gateway: '169.254.1.1' }, dns: { nameservers: ['169.254.1.53'] } },
];

test('ADD: store, link, policy and only then up; the stored objects are what Calico stores', async () => {
  const dispatcher = await start(contextOf(store));
  const before = (await store.get('x')).revision;
  expect(await call(dispatcher, 'ADD', { args: 'IP=192.168.0.0' })).toEqual(ok('192.168.0.0'));
  const name = 'host--1-cni-5bc080ca--1111--4222--8333--444455556666-eth0';
  expect(steps).toEqual(['create cali5bc080ca-11', `policy ${name} true`, 'raise cali5bc080ca-11']);
  const blank = (text: string | undefined) =>
    (text ?? '').replace(/"uid":"[^"]{36}"/, '"uid":""').replace(/"mac":"[^"]*"/, '"mac":""');
  expect(blank(await readKey(`${WEP}${name}`))).toBe(
    `{"kind":"WorkloadEndpoint","apiVersion":"projectcalico.org/v3","metadata":{"name":"${name}","namespace":"default","uid":"","creationTimestamp":"2026-11-23T12:00:00Z","labels":{"projectcalico.org/namespace":"default","projectcalico.org/orchestrator":"cni"}},"spec":{"orchestrator":"cni","node":"host-1","containerID":"${CID}","endpoint":"eth0","ipNetworks":["192.168.0.0/32"],"profiles":["network1"],"interfaceName":"cali5bc080ca-11","mac":""}}`,
  );
  expect(blank(await readKey('/calico/resources/v3/projectcalico.org/profiles/network1'))).toBe(
    '{"kind":"Profile","apiVersion":"projectcalico.org/v3","metadata":{"name":"network1","uid":"","creationTimestamp":"2026-11-23T12:00:00Z"},"spec":{"ingress":[{"action":"Allow","source":{"selector":"has(network1)"}}],"egress":[{"action":"Allow"}],"labelsToApply":{"network1":""}}}',
  );
  const block = JSON.parse((await readKey('/calico/ipam/v2/assignment/ipv4/block/192.168.0.0-26')) ?? '');
  expect(block.attributes).toEqual([
    { handle_id: `network1.${CID}`, secondary: { node: 'host-1', timestamp: '2026-11-23 12:00:00.12 +0000 UTC' } },
  ]);
  // everything that ADD wrote came with one revision
  expect((await store.get('x')).revision).toBe(before + 1);
});

test('ADD again gives the same; a lost link is made anew; DEL twice, and nothing is left', async () => {
  const dispatcher = await start(contextOf(store));
  const first = await call(dispatcher, 'ADD');
  steps = [];
  expect(await call(dispatcher, 'ADD')).toEqual(first);
  expect(steps).toEqual([expect.stringMatching(/^policy .* true$/)]);
  links.clear();
  expect(await call(dispatcher, 'ADD')).toEqual(first);
  expect([...links.values()].map(({ up }) => up)).toEqual([true]);
  expect(await call(dispatcher, 'DEL')).toEqual([0, '']);
  await expectNothingLeft();
  expect(await call(dispatcher, 'DEL')).toEqual([0, '']);
  await expectNothingLeft();
});

test('DEL: the link goes, then the flows, and only then are the addresses free', async () => {
  const base = contextOf(store);
  const endFlows = async (addresses: readonly Ip[]) => {
    await base.links.endFlows(addresses);
    steps.push(`endpoints in the store: ${(await keysUnder(WEP)).length}`);
  };
  const dispatcher = await start({ ...base, links: { ...base.links, endFlows } });
  await call(dispatcher, 'ADD');
  steps = [];
  expect(await call(dispatcher, 'DEL')).toEqual([0, '']);
  expect(steps).toEqual([
    'remove cali5bc080ca-11',
    expect.stringMatching(/^gone default\/host--1-cni-/),
    'end flows 192.168.0.0',
    'endpoints in the store: 1',
  ]);
  await expectNothingLeft();
});

test('an agent that has not read the store ends the flows as soon as it knows the addresses', async () => {
  await call(await start(contextOf(store)), 'ADD');
  steps = [];
  const context = contextOf(store);
  const late = dispatcherOf(context);
  expect(await call(late, 'DEL')).toEqual([0, '']);
  expect(steps).toEqual(['remove cali5bc080ca-11', expect.stringMatching(/^gone /), 'end flows 192.168.0.0']);
  await expectNothingLeft();
});

test('a kernel that cannot end flows keeps no container from going', async () => {
  const base = contextOf(store);
  const endFlows = async () => {
    throw new OcicatError('kernel', 'delete flows: ENOTSUP');
  };
  const dispatcher = await start({ ...base, links: { ...base.links, endFlows } });
  await call(dispatcher, 'ADD');
  expect(await call(dispatcher, 'DEL')).toEqual([0, '']);
  await expectNothingLeft();
  expect(logged).toEqual([`end flows of container "${CID}" OcicatError: delete flows: ENOTSUP`]);
});

test('after a restart of the agent everything is known again', async () => {
  const first = await call(await start(contextOf(store)), 'ADD');
  const next = await start(contextOf(store));
  expect(await call(next, 'ADD')).toEqual(first);
  expect(await call(next, 'DEL')).toEqual([0, '']);
  await expectNothingLeft();
});

const profilesNow = async () => (await store.list(WEP)).kvs.map((kv) => JSON.parse(kv.value).spec.profiles.join(' '));

test('a second network that is attached by profile shares the endpoint, and leaves alone', async () => {
  const dispatcher = await start(contextOf(store));
  const config = { cniVersion: '1.0.0', attach: 'profile' };
  const first = await call(dispatcher, 'ADD', { config });
  expect(await call(dispatcher, 'ADD', { network: 'network2', ifname: 'eth1', config })).toEqual(first);
  expect(await profilesNow()).toEqual(['network1 network2']);
  expect(await keysUnder('/calico/resources/v3/projectcalico.org/profiles/')).toEqual(['network1', 'network2']);
  expect(
    await call(dispatcher, 'ADD', { network: 'network3', ifname: 'eth2', args: 'IP=192.168.0.60', config }),
  ).toEqual([
    1,
    expect.objectContaining({
      code: 7,
      msg: expect.stringContaining('join network "network3": address "192.168.0.60" is asked for'),
    }),
  ]);
  expect(await call(dispatcher, 'DEL', { network: 'network2', ifname: 'eth1', config })).toEqual([0, '']);
  expect(await profilesNow()).toEqual(['network1']);
  expect(await call(dispatcher, 'DEL', { network: 'network9', ifname: 'eth9', config })).toEqual([0, '']);
  expect(await profilesNow()).toEqual(['network1']);
  expect(links.size).toBe(1);
  expect(await call(dispatcher, 'DEL', { config })).toEqual([0, '']);
  await expectNothingLeft();
});

test('a profile that is there is left as it is, and policy.type leaves profiles to others', async () => {
  const key = '/calico/resources/v3/projectcalico.org/profiles/network1';
  await put(key, { kind: 'Profile', metadata: { name: 'network1' }, spec: {} });
  const dispatcher = await start(contextOf(store));
  await call(dispatcher, 'ADD');
  expect(await readKey(key)).toBe('{"kind":"Profile","metadata":{"name":"network1"},"spec":{}}');
  await call(dispatcher, 'ADD', { id: 'other', network: 'network2', config: { policy: { type: 'k8s' } } });
  expect(await keysUnder('/calico/resources/v3/projectcalico.org/profiles/')).toEqual(['network1']);
});

test('containers whose IDs begin alike have links of their own', async () => {
  const dispatcher = await start(contextOf(store));
  await Promise.all([1, 2, 3].map((n) => call(dispatcher, 'ADD', { id: `0123456789abc${n}` })));
  const names = [...links.keys()];
  expect(new Set(names).size).toBe(3);
  expect(names[0]).toBe('cali0123456789a');
  expect(names.slice(1).every((name) => /^cali[0-9a-f]{11}$/.test(name))).toBe(true);
});

test('forty containers at once get forty addresses', async () => {
  const dispatcher = await start(contextOf(store));
  const answers = await Promise.all(
    Array.from({ length: 40 }, (_, n) => call(dispatcher, 'ADD', { id: `container${n}` })),
  );
  const ips = answers.map(([, output]) => JSON.stringify(output));
  expect(new Set(ips).size).toBe(40);
  await Promise.all(Array.from({ length: 40 }, (_, n) => call(dispatcher, 'DEL', { id: `container${n}` })));
  await expectNothingLeft();
});

test('ADD and DEL of one container never overlap', async () => {
  const dispatcher = await start(contextOf(store));
  const commands = ['ADD', 'DEL', 'ADD', 'DEL', 'ADD', 'DEL'];
  const answers = await Promise.all(commands.map((command) => call(dispatcher, command)));
  expect(answers.map(([status]) => status)).toEqual([0, 0, 0, 0, 0, 0]);
  await expectNothingLeft();
});

const failWith = (error: Error) => () => {
  throw error;
};

test.each([
  [
    'the link',
    { links: { create: failWith(new OcicatError('kernel', 'create link: EPERM')) } },
    999,
    'create link: EPERM',
  ],
  ['policy', { policyApplied: failWith(new OcicatError('kernel', 'apply: ENOSPC')) }, 999, 'apply: ENOSPC'],
  ['raising', { links: { raise: failWith(new OcicatError('kernel', 'raise: EBUSY')) } }, 999, 'raise: EBUSY'],
] as const)('when %s fails, everything before is undone', async (_step, failing, code, msg) => {
  const base = contextOf(store);
  const dispatcher = await start({
    ...base,
    ...failing,
    links: { ...base.links, ...('links' in failing ? failing.links : {}) },
  });
  expect(await call(dispatcher, 'ADD')).toEqual([1, { cniVersion: '0.1.0', code, msg }]);
  await expectNothingLeft();
  expect(await call(await start(contextOf(store)), 'ADD')).toEqual([0, expect.anything()]);
});

/** A store that fails with its nth operation, before it or after it, and with all later ones if `forGood`. */
function failing(at: number, when: 'before' | 'after', forGood: boolean): Datastore {
  let count = 0;
  const withFault = async <T>(work: () => Promise<T>): Promise<T> => {
    count += 1;
    const fails = forGood ? count >= at : count === at;
    if (fails && (when === 'before' || count > at)) throw new OcicatError('unavailable', 'reach datastore: it is away');
    const result = await work();
    if (fails) throw new OcicatError('unavailable', 'reach datastore: it is away');
    return result;
  };
  return {
    ...store,
    get: (key, abort) => withFault(() => store.get(key, abort)),
    list: (prefix, options, abort) => withFault(() => store.list(prefix, options, abort)),
    commit: (transaction, abort) => withFault(() => store.commit(transaction, abort)),
  };
}

const faults = [1, 2, 3, 4].flatMap((at) =>
  (['before', 'after'] as const).flatMap((when) => [true, false].map((forGood) => [at, when, forGood] as const)),
);

test.each(faults)(
  'the store fails at operation %d of an ADD, %s it happened, for good: %p',
  async (at, when, forGood) => {
    const cache = openNodeCache(store, 'host-1');
    await cache.refresh(signal);
    cache.setInSync(true);
    const context = { ...contextOf(failing(at, when, forGood)), cache };
    const dispatcher = dispatcherOf(context);
    const [status] = await call(dispatcher, 'ADD');
    // the agent goes on with a store that answers, as after the outage
    const next = await start(contextOf(store));
    if (status === 1) {
      expect(await next.finishDeferred()).toBe(0);
      await expectNothingLeft();
    }
    expect((await call(next, 'ADD'))[0]).toBe(0);
    expect((await keysUnder(HANDLE)).length).toBe(1);
    expect(await call(next, 'DEL')).toEqual([0, '']);
    await expectNothingLeft();
  },
);

test.each(faults)(
  'the store fails at operation %d of a DEL, %s it happened, for good: %p',
  async (at, when, forGood) => {
    const cache = openNodeCache(store, 'host-1');
    await cache.refresh(signal);
    cache.setInSync(true);
    await call(dispatcherOf({ ...contextOf(store), cache }), 'ADD');
    const [status, output] = await call(dispatcherOf({ ...contextOf(failing(at, when, forGood)), cache }), 'DEL');
    expect(links.size).toBe(0);
    const next = await start(contextOf(store));
    if (status === 1) {
      expect(output).toEqual({ cniVersion: '0.1.0', code: 11, msg: 'reach datastore: it is away' });
      expect(readdirSync(join(folder, 'pending')).length).toBe(1);
      expect(await next.finishDeferred()).toBe(0);
    }
    await expectNothingLeft();
  },
);

test('an unfinished DEL is finished before the container name is used again', async () => {
  const cache = openNodeCache(store, 'host-1');
  await cache.refresh(signal);
  cache.setInSync(true);
  await call(dispatcherOf({ ...contextOf(store), cache }), 'ADD', { args: 'IP=192.168.0.7' });
  await call(dispatcherOf({ ...contextOf(failing(1, 'before', true)), cache }), 'DEL');
  const next = await start(contextOf(store));
  expect(await call(next, 'ADD', { args: 'IP=192.168.0.9' })).toEqual(ok('192.168.0.9'));
  expect(await next.finishDeferred()).toBe(0);
  expect(links.size).toBe(1);
});

test('a link that has no endpoint is found by what it says of itself', async () => {
  const dispatcher = await start(contextOf(store));
  await call(dispatcher, 'ADD');
  for (const name of await keysUnder(WEP))
    await store.commit({ conditions: [], writes: [{ kind: 'delete', key: `${WEP}${name}` }] });
  expect(await call(await start(contextOf(store)), 'DEL')).toEqual([0, '']);
  await expectNothingLeft();
});

test('a locked datastore, another node, an unknown plugin', async () => {
  await setReady(false);
  expect(await call(await start(contextOf(store)), 'ADD')).toEqual([
    1,
    { cniVersion: '0.1.0', code: 11, msg: 'Calico is currently not ready to process requests' },
  ]);
  await setReady(true);
  const dispatcher = await start(contextOf(store));
  expect(await call(dispatcher, 'ADD', { config: { nodename: 'host9' } })).toEqual([
    1,
    { cniVersion: '0.1.0', code: 7, msg: 'serve network "network1": nodename is "host9", this node is "host-1"' },
  ]);
  expect(await call(dispatcher, 'ADD', { config: { ipam: { type: 'nowhere' } } })).toEqual([
    1,
    { cniVersion: '0.1.0', code: 7, msg: `find IPAM plugin "nowhere": in none of ${folder}` },
  ]);
  expect(await call(dispatcher, 'DEL', { config: { ipam: { type: 'nowhere' } } })).toEqual([0, '']);
  await expectNothingLeft();
});

test('CHECK says what is missing', async () => {
  const dispatcher = await start(contextOf(store));
  const config = { cniVersion: '1.0.0' };
  const absent = await call(dispatcher, 'CHECK', { config });
  expect(absent[1]).toEqual({
    cniVersion: '1.0.0',
    code: 3,
    msg: `check container "${CID}": it has no interface "eth0" in network "network1"`,
  });
  const [, prevResult] = await call(dispatcher, 'ADD', { config });
  expect(await call(dispatcher, 'CHECK', { config: { ...config, prevResult } })).toEqual([0, '']);
  links.clear();
  for (const handle of await keysUnder(HANDLE))
    await store.commit({ conditions: [], writes: [{ kind: 'delete', key: `${HANDLE}${handle}` }] });
  const other = { cniVersion: '1.0.0', ips: [{ address: '10.9.9.9/32' }] };
  expect(await call(dispatcher, 'CHECK', { network: 'network2', config: { ...config, prevResult: other } })).toEqual([
    1,
    {
      cniVersion: '1.0.0',
      code: 999,
      msg: `check container "${CID}": it is not as ADD left it`,
      details:
        'profiles: found network1, wanted network2; prevResult: found 192.168.0.0, wanted 10.9.9.9; addresses in their blocks: found nothing, wanted 192.168.0.0; host link cali5bc080ca-11: found nothing, wanted a link',
    },
  ]);
});

test('calico-ipam by itself: an address for each interface, given again, taken back', async () => {
  const dispatcher = await start(contextOf(store));
  const ask = { program: 'calico-ipam', config: { cniVersion: '1.0.0' } };
  const expected = (ip: string) => [0, { cniVersion: '1.0.0', ips: [{ address: `${ip}/26` }] }];
  expect(await call(dispatcher, 'ADD', ask)).toEqual(expected('192.168.0.0'));
  expect(await call(dispatcher, 'ADD', ask)).toEqual(expected('192.168.0.0'));
  expect(await call(dispatcher, 'ADD', { ...ask, ifname: 'eth1' })).toEqual(expected('192.168.0.1'));
  expect(await call(dispatcher, 'CHECK', ask)).toEqual([0, '']);
  expect(steps).toEqual([]);
  expect(await call(dispatcher, 'DEL', ask)).toEqual([0, '']);
  expect(await call(dispatcher, 'DEL', ask)).toEqual([0, '']);
  expect(await keysUnder(HANDLE)).toEqual([`network1.${CID}`]);
  expect(await call(dispatcher, 'DEL', { ...ask, ifname: 'eth1' })).toEqual([0, '']);
  await expectNothingLeft();
  expect(await call(dispatcher, 'CHECK', ask)).toEqual([
    1,
    { cniVersion: '1.0.0', code: 3, msg: `check container "${CID}": it has no addresses in network "network1"` },
  ]);
});

test('calico-ipam neither takes nor gives what the same container has by calico', async () => {
  const dispatcher = await start(contextOf(store));
  await call(dispatcher, 'ADD', { args: 'IP=192.168.0.7' });
  const alone = { program: 'calico-ipam', config: { cniVersion: '1.0.0' } };
  expect(await call(dispatcher, 'ADD', alone)).toEqual([
    0,
    { cniVersion: '1.0.0', ips: [{ address: '192.168.0.0/26' }] },
  ]);
  expect(await call(dispatcher, 'DEL', alone)).toEqual([0, '']);
  expect(await call(dispatcher, 'ADD', { id: 'other', args: 'IP=192.168.0.7' })).toMatchObject([1, { code: 11 }]);
  expect((await call(dispatcher, 'DEL'))[0]).toBe(0);
  await expectNothingLeft();
});

test('CHECK of what only a DEL can put right has no code that says that none is needed', async () => {
  const dispatcher = await start(contextOf(store));
  const config = { cniVersion: '1.0.0' };
  await call(dispatcher, 'ADD', { config });
  for (const name of await keysUnder(WEP))
    await store.commit({ conditions: [], writes: [{ kind: 'delete', key: `${WEP}${name}` }] });
  const next = await start(contextOf(store));
  const codeNow = async () => (await call(next, 'CHECK', { config }))[1] as { code: number };
  expect((await codeNow()).code).toBe(999); // its link and its address
  links.clear();
  expect((await codeNow()).code).toBe(999); // its address
  expect(await call(next, 'DEL', { config })).toEqual([0, '']);
  expect((await codeNow()).code).toBe(3);
});

test('CHECK fails where the rules of the endpoint are not in the kernel', async () => {
  let refusal = '';
  const policyApplied = async () => {
    if (refusal !== '') throw new OcicatError('kernel', refusal);
  };
  const dispatcher = await start(contextOf(store, { policyApplied }));
  const config = { cniVersion: '1.0.0' };
  await call(dispatcher, 'ADD', { config });
  expect(await call(dispatcher, 'CHECK', { config })).toEqual([0, '']);
  refusal = 'put rules: ENOSPC';
  expect(await call(dispatcher, 'CHECK', { config })).toEqual([
    1,
    { cniVersion: '1.0.0', code: 999, msg: 'put rules: ENOSPC' },
  ]);
});

test('what a plugin before in the chain has made is in the result of ADD, and not asked of CHECK', async () => {
  const dispatcher = await start(contextOf(store));
  const previous = {
    cniVersion: '1.1.0',
    interfaces: [{ name: 'net1', sandbox: '/run/netns/c' }],
    ips: [{ address: '10.1.0.5/24', gateway: '10.1.0.1', interface: 0 }],
    routes: [{ dst: '10.1.0.0/16', gw: '10.1.0.1' }],
    dns: { nameservers: ['10.1.0.2'] },
  };
  const config = { cniVersion: '1.1.0', prevResult: previous };
  const [status, result] = await call(dispatcher, 'ADD', { config });
  expect([status, result]).toMatchObject([
    0,
    {
      interfaces: [{ name: 'net1' }, { name: 'cali5bc080ca-11' }, { name: 'eth0' }],
      ips: [
        { address: '10.1.0.5/24', interface: 0 },
        { address: '192.168.0.0/32', interface: 2 },
      ],
      routes: previous.routes,
      dns: previous.dns,
    },
  ]);
  const check = (prevResult: unknown) => call(dispatcher, 'CHECK', { config: { ...config, prevResult } });
  expect(await check(result)).toEqual([0, '']);
  expect((await check(JSON.parse(JSON.stringify(result).replace('192.168.0.0', '192.168.0.9'))))[0]).toBe(1);
});

test('DEL of what ADD has refused succeeds', async () => {
  const dispatcher = await start(contextOf(store));
  for (const config of [
    { device_type: 'netkit' },
    { mtu: 1 },
    { prevResult: 'none' },
    { runtimeConfig: { ips: ['x'] } },
  ]) {
    expect((await call(dispatcher, 'ADD', { config }))[0]).toBe(1);
    expect(await call(dispatcher, 'DEL', { config })).toEqual([0, '']);
  }
  expect((await call(dispatcher, 'ADD', { network: 'Net_1' }))[0]).toBe(1);
  expect(await call(dispatcher, 'DEL', { network: 'Net_1' })).toEqual([0, '']);
});

test('GC removes what the runtime does not have, and nothing of other networks or nodes', async () => {
  const dispatcher = await start(contextOf(store));
  for (const id of ['a', 'b', 'c']) await call(dispatcher, 'ADD', { id });
  await call(dispatcher, 'ADD', { id: 'd', network: 'network1.x' });
  await call(dispatcher, 'ADD', { id: 'e', program: 'calico-ipam' });
  const attachments = [{ containerID: 'a', ifname: 'eth0' }];
  const config = { cniVersion: '1.1.0', 'cni.dev/valid-attachments': attachments };
  expect(await call(dispatcher, 'GC', { config })).toEqual([0, '']);
  expect(await keysUnder(HANDLE)).toEqual(['network1.a', 'network1.x.d']);
  expect((await keysUnder(WEP)).length).toBe(2);
  const ipamConfig = { cniVersion: '1.1.0', 'cni.dev/valid-attachments': [] };
  await call(dispatcher, 'ADD', { id: 'e', program: 'calico-ipam', network: 'bridged' });
  expect(await call(dispatcher, 'GC', { program: 'calico-ipam', network: 'bridged', config: ipamConfig })).toEqual([
    0,
    '',
  ]);
  expect(await keysUnder(HANDLE)).toEqual(['network1.a', 'network1.x.d']);
});

test('GC removes nothing while the name of the node is not provably this host’s', async () => {
  const nodeLease = { isHeld: async () => false, require: async () => undefined };
  const dispatcher = await start(contextOf(store, { nodeLease }));
  await call(dispatcher, 'ADD', { id: 'a' });
  await call(dispatcher, 'ADD', { id: 'e', program: 'calico-ipam' });
  const config = { cniVersion: '1.1.0', 'cni.dev/valid-attachments': [] };
  for (const program of ['calico', 'calico-ipam'])
    expect((await call(dispatcher, 'GC', { program, config }))[0]).toBe(1);
  expect(await keysUnder(HANDLE)).toEqual(['network1.a', 'network1.e']);
  expect([(await keysUnder(WEP)).length, links.size]).toEqual([1, 1]);
});

test.each([
  { who: 'this host has the name of the node', isOurs: true, outcome: 'done', endpoints: 1, handles: ['network1.a'] },
  { who: 'it has not', isOurs: false, outcome: 'later', endpoints: 0, handles: [] },
])('an endpoint that the store has lost is written back: $who', async ({ isOurs, outcome, endpoints, handles }) => {
  async function prove(): Promise<void> {
    if (!isOurs) throw new OcicatError('not-ready', 'another host has the name');
  }
  const context = contextOf(store, { nodeLease: { isHeld: async () => true, require: prove } });
  const dispatcher = await start(context);
  await call(dispatcher, 'ADD', { id: 'a' });
  const all = [...(await store.list('/calico/ipam/', {})).kvs, ...(await store.list(WEP, {})).kvs].map(
    ({ key }) => key,
  );
  await store.commit({ conditions: [], writes: all.map((key) => ({ kind: 'delete', key })) });
  await context.cache.refresh(signal);
  expect(await dispatcher.attacher.writeBack(signal)).toEqual(outcome);
  expect([(await keysUnder(WEP)).length, await keysUnder(HANDLE)]).toEqual([endpoints, handles]);
});

test('STATUS: yes, or the code for "no ADDs please"', async () => {
  const config = { cniVersion: '1.1.0' };
  expect(await call(await start(contextOf(store)), 'STATUS', { config })).toEqual([0, '']);
  await setReady(false);
  expect(await call(await start(contextOf(store)), 'STATUS', { config })).toEqual([
    1,
    { cniVersion: '1.1.0', code: 50, msg: 'Calico is currently not ready to process requests' },
  ]);
});

test('STATUS says when workloads that are there do not reach all that they should', async () => {
  const whyCutOff = () => 'the key of host-2 is missing';
  const dispatcher = await start(contextOf(store, { whyCutOff }));
  expect(await call(dispatcher, 'STATUS', { config: { cniVersion: '1.1.0' } })).toEqual([
    1,
    { cniVersion: '1.1.0', code: 51, msg: 'the key of host-2 is missing' },
  ]);
});

test('STATUS says when the pools are full, unless an ADD would have room all the same', async () => {
  await put(resource('IPPool', 'tiny'), {
    kind: 'IPPool',
    apiVersion: 'projectcalico.org/v3',
    metadata: { name: 'tiny' },
    spec: { cidr: '10.9.8.0/31', blockSize: 31, nodeSelector: '!all()' },
  });
  const dispatcher = await start(contextOf(store));
  const config = { cniVersion: '1.1.0', ipam: { type: 'calico-ipam', ipv4_pools: ['tiny'] } };
  const statusNow = async () => (await call(dispatcher, 'STATUS', { config }))[1];
  expect(await statusNow()).toBe('');
  for (const id of ['a', 'b']) expect((await call(dispatcher, 'ADD', { id, config }))[0]).toBe(0);
  const before = await store.list('/calico/ipam/');
  expect(await statusNow()).toMatchObject({ code: 50, msg: expect.stringContaining('No IPs available') });
  expect((await store.list('/calico/ipam/')).kvs).toEqual(before.kvs);
  links.delete('calia'); // its namespace has gone, and an ADD would take its address
  expect(await statusNow()).toBe('');
  expect((await call(dispatcher, 'ADD', { id: 'c', config }))[0]).toBe(0);
});

test('STATUS asks for the pools and the IPAM plugin that ADD would need', async () => {
  const dispatcher = await start(contextOf(store));
  const why = async (ipam: object) => {
    const [status, answer] = await call(dispatcher, 'STATUS', { config: { cniVersion: '1.1.0', ipam } });
    return status === 0 ? answer : (answer as { code: number; msg: string });
  };
  expect(await why({ type: 'calico-ipam', ipv4_pools: ['pool'] })).toBe('');
  expect(await why({ type: 'calico-ipam', ipv4_pools: ['nowhere'] })).toMatchObject({
    code: 50,
    msg: 'the given pool (nowhere) does not exist, or is not enabled',
  });
  expect(await why({ type: 'calico-ipam', assign_ipv6: 'true' })).toMatchObject({
    code: 50,
    msg: expect.stringContaining('there are no IPv6 pools'),
  });
  expect(await why({ type: 'leases' })).toMatchObject({ code: 50, msg: expect.stringContaining('find IPAM plugin') });
  const plugin = join(folder, 'leases');
  const answers = (script: string) => writeFileSync(plugin, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  answers('[ "$CNI_COMMAND" = STATUS ]');
  expect(await why({ type: 'leases' })).toBe('');
  answers(`echo '{ "code": 50, "msg": "no leases left" }'; exit 1`);
  expect(await why({ type: 'leases' })).toMatchObject({ code: 50, msg: expect.stringContaining('no leases left') });
});
