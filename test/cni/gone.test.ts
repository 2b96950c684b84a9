// Containers that went without a DEL: what they hold comes back when it is needed, and nothing of anybody who may live.
import { afterAll, afterEach, beforeAll, expect, test } from 'bun:test';
import { join } from 'node:path';
import { createAttacher } from '../../src/attach/attacher.ts';
import { OcicatError } from '../../src/base/errors.ts';
import * as libc from '../../src/sys/libc.ts';
import { createNetns } from '../../src/sys/netns.ts';
import { type CniHost, countPending, openCniHost, openServer } from '../support/host/cni-host.ts';

let host: CniHost;
beforeAll(async () => {
  host = await openCniHost();
});
afterAll(() => host.close());

/** Containers with namespaces of their own, by ID. */
const running = new Map<string, number>();

async function add(id: string, args = '', ipam: object = {}, ifname = 'eth0') {
  const netns = running.get(id) ?? createNetns();
  running.set(id, netns);
  const config = { name: 'network1', cniVersion: '1.0.0', type: 'calico', ipam: { type: 'calico-ipam', ...ipam } };
  const call = { command: 'ADD', id, args, ifname, netns: `/proc/${process.pid}/fd/${netns}`, config };
  const { status, output } = await host.call(call);
  const answer = JSON.parse(output);
  return status === 0 ? answer.ips[0].address : `${answer.code} ${answer.msg}`;
}

/** The container's last process is gone, and with it its network namespace; nobody sends a DEL. */
async function kill(id: string): Promise<void> {
  const links = host.linkNames().length;
  libc.close(running.get(id) ?? -1);
  running.delete(id);
  for (let tries = 0; host.linkNames().length === links && tries < 200; tries++) await Bun.sleep(10);
}

async function del(id: string, ifname: string) {
  const config = { name: 'network1', cniVersion: '1.0.0', type: 'calico', ipam: { type: 'calico-ipam' } };
  expect(await host.call({ command: 'DEL', id, ifname, netns: '', config })).toEqual({ status: 0, output: '' });
}

const containers = async () => {
  const { kvs } = await host.datastore.list('/calico/resources/v3/projectcalico.org/workloadendpoints/');
  return kvs.map(({ value }) => JSON.parse(value).spec.containerID).sort();
};
const held = (by: string) =>
  `11 assign address "192.168.0.5": already assigned, held by "network1.${by}" on node "host1"`;
const restart = (changes: object = {}) =>
  host.server.close().then(async () => {
    host.server = await openServer({ ...host.context, ...changes }, join(host.folder, 'cni.sock'));
  });

afterEach(async () => {
  for (const id of await containers()) for (const ifname of ['eth0', 'eth1']) await del(id, ifname);
  for (const fd of running.values()) libc.close(fd);
  running.clear();
  await host.context.links.settled?.();
  expect([await containers(), countPending(host)]).toEqual([[], 0]);
});

test('the address of a container whose namespace is gone is had again at once, and never that of one that lives', async () => {
  expect(await add('first', 'IP=192.168.0.5')).toBe('192.168.0.5/32');
  expect(await add('second', 'IP=192.168.0.5')).toBe(held('first'));
  await kill('first');
  expect(await add('second', 'IP=192.168.0.5')).toBe('192.168.0.5/32');
  expect(await containers()).toEqual(['second']);
});

test('after a reboot, with an agent that has just started, all fixed addresses come back at once', async () => {
  for (const n of [5, 6, 7]) await add(`old${n}`, `IP=192.168.0.${n}`);
  await host.server.close();
  for (const n of [5, 6, 7]) await kill(`old${n}`);
  host.server = await openServer(host.context, join(host.folder, 'cni.sock'));
  const again = await Promise.all([5, 6, 7].map((n) => add(`new${n}`, `IP=192.168.0.${n}`)));
  expect(again).toEqual(['192.168.0.5/32', '192.168.0.6/32', '192.168.0.7/32']);
  expect(await containers()).toEqual(['new5', 'new6', 'new7']);
});

test('a container that is killed comes back under its own ID with the same address', async () => {
  await add('first', 'IP=192.168.0.5');
  await kill('first');
  expect(await add('first', 'IP=192.168.0.5')).toBe('192.168.0.5/32');
  await kill('first');
  expect(await add('first', 'IP=192.168.0.5', {}, 'eth1')).toBe('192.168.0.5/32');
});

test('while the name of the node is not provably this host’s, no address is taken from anybody', async () => {
  await add('first', 'IP=192.168.0.5');
  await kill('first');
  await restart({ nodeLease: { ...host.context.nodeLease, isHeld: async () => false } });
  expect(await add('second', 'IP=192.168.0.5')).toBe(held('first'));
  await restart();
});

test("another host's address is never taken", async () => {
  await add('first', 'IP=192.168.0.5');
  await kill('first');
  const { kvs } = await host.datastore.list('/calico/resources/v3/projectcalico.org/workloadendpoints/');
  const [{ key, value } = { key: '', value: '' }] = kvs;
  const theirs = { key: key.replace('host1', 'host2'), value: value.replaceAll('"host1', '"host2') };
  const move = (from: { key: string }, to: { key: string; value: string }) =>
    host.datastore.commit({
      conditions: [],
      writes: [
        { kind: 'delete', key: from.key },
        { kind: 'put', ...to },
      ],
    });
  await move({ key }, theirs);
  await host.context.cache.refresh(new AbortController().signal);
  expect(await add('second', 'IP=192.168.0.5')).toBe(held('first'));
  await move(theirs, { key, value });
  await host.context.cache.refresh(new AbortController().signal);
});

test('a container that a call is about is not taken for gone', async () => {
  await add('first', 'IP=192.168.0.5');
  await kill('first');
  const { promise: policy, resolve } = Promise.withResolvers<void>();
  host.policy = () => policy;
  const coming = add('first', 'IP=192.168.0.5');
  await Bun.sleep(100);
  host.policy = async () => undefined;
  expect(await add('second', 'IP=192.168.0.5')).toBe(held('first'));
  resolve();
  expect(await coming).toBe('192.168.0.5/32');
});

test('an address of another main plugin comes back after a reboot, and not before', async () => {
  const ask = async (command: string, id: string) => {
    const config = { name: 'plain', cniVersion: '1.0.0', type: 'bridge', ipam: { type: 'calico-ipam' } };
    const call = { command, id, plugin: 'calico-ipam', args: 'IP=192.168.0.5', config } as const;
    const { status, output } = await host.call(call);
    return status === 0 ? 'given' : JSON.parse(output).msg;
  };
  const held = 'assign address "192.168.0.5": already assigned, held by "plain.first" on node "host1"';
  expect(await ask('ADD', 'first')).toBe('given');
  expect(await ask('ADD', 'second')).toBe(held);
  await restart({ boot: '' });
  expect(await ask('ADD', 'second')).toBe(held);
  await restart({ boot: 'boot-2', nodeName: 'host2' });
  expect(await ask('ADD', 'second')).toBe(held);
  await restart({ boot: 'boot-2' });
  expect(await ask('ADD', 'second')).toBe('given');
  expect(await ask('ADD', 'third')).toBe(held.replace('first', 'second'));
  await restart();
  for (const id of ['first', 'second', 'third'])
    await host.call({
      command: 'DEL',
      id,
      netns: '',
      plugin: 'calico-ipam',
      config: { name: 'plain', cniVersion: '1.0.0', ipam: { type: 'calico-ipam' } },
    });
  expect(await host.etcd.ctl('get', '--prefix', '--keys-only', '/calico/ipam/v2/handle/')).toBe('');
});

/** Handles of the network "plain". */
async function handles(): Promise<readonly string[]> {
  const keys = await host.etcd.ctl('get', '--prefix', '--keys-only', '/calico/ipam/v2/handle/');
  return [...keys.matchAll(/plain\.\w+/g)].map(([name]) => name);
}

test('addresses of another main plugin come back when the kernel or the namespace of their container has gone, and not before', async () => {
  const config = { name: 'plain', cniVersion: '1.0.0', type: 'bridge', ipam: { type: 'calico-ipam' } };
  const take = async (id: string) => {
    const netns = running.get(id) ?? createNetns();
    running.set(id, netns);
    const call = {
      command: 'ADD',
      id,
      plugin: 'calico-ipam',
      config,
      netns: `/proc/${process.pid}/fd/${netns}`,
    } as const;
    return JSON.parse((await host.call(call)).output).ips[0].address;
  };
  const { signal } = new AbortController();
  const collect = async () => {
    await createAttacher(host.context).releaseGone(signal);
    return handles();
  };
  const lose = async (id: string) => {
    libc.close(running.get(id) ?? -1);
    running.delete(id);
    for (let tries = 0; (await collect()).includes(`plain.${id}`); tries++) {
      expect(tries).toBeLessThan(1_000); // the kernel takes namespaces apart in its own time
      await Bun.sleep(10);
    }
  };
  const [first, second] = [await take('first'), await take('second')];
  expect(await collect()).toEqual(['plain.first', 'plain.second']);
  expect([await take('first'), await take('second')]).toEqual([first, second]); // the same ADD again
  await lose('first');
  expect(await handles()).toEqual(['plain.second']);
  // a container that comes again in another namespace lives as long as that one
  const former = running.get('second') ?? -1;
  running.set('second', createNetns());
  expect(await take('second')).not.toBe(second);
  libc.close(former);
  await take('third');
  await lose('third');
  expect(await collect()).toEqual(['plain.second']);
  const rebooted = { ...host.context, boot: 'boot-2' };
  const lost = {
    ...rebooted,
    nodeLease: {
      ...rebooted.nodeLease,
      require: async () => {
        throw new OcicatError('not-ready', 'another has the name');
      },
    },
  };
  await expect(createAttacher(lost).releaseGone(signal)).rejects.toThrow('another has the name');
  expect(await handles()).toEqual(['plain.second']);
  await createAttacher(rebooted).releaseGone(signal);
  expect(await handles()).toEqual([]);
});

test('a pool that the containers of before have filled has room for those of now', async () => {
  await host.put('/calico/resources/v3/projectcalico.org/ippools/tiny', {
    kind: 'IPPool',
    apiVersion: 'projectcalico.org/v3',
    metadata: { name: 'tiny' },
    spec: { cidr: '10.9.8.0/30', blockSize: 30, nodeSelector: '!all()' },
  });
  await host.context.cache.refresh(new AbortController().signal);
  const tiny = { ipv4_pools: ['tiny'] };
  for (const n of [1, 2, 3, 4]) expect(await add(`c${n}`, '', tiny)).toMatch(/^10\.9\.8\.\d/);
  expect(await add('c5', '', tiny)).toMatch(/^999 /);
  await kill('c2');
  expect(await add('c5', '', tiny)).toMatch(/^10\.9\.8\.\d/);
  expect(await containers()).toEqual(['c1', 'c3', 'c4', 'c5']);
});

test('a full pool has room again when the namespace of one of its holders is gone, whichever plugin made the interface', async () => {
  await host.put('/calico/resources/v3/projectcalico.org/ippools/single', {
    kind: 'IPPool',
    apiVersion: 'projectcalico.org/v3',
    metadata: { name: 'single' },
    spec: { cidr: '10.9.7.0/32', blockSize: 32, assignmentMode: 'Manual' },
  });
  await host.context.cache.refresh(new AbortController().signal);
  const single = { type: 'calico-ipam', ipv4_pools: ['single'] };
  const config = { name: 'plain', cniVersion: '1.0.0', type: 'bridge', ipam: single };
  const take = (id: string) => {
    const netns = running.get(id) ?? createNetns();
    running.set(id, netns);
    return host.call({ command: 'ADD', id, plugin: 'calico-ipam', config, netns: `/proc/${process.pid}/fd/${netns}` });
  };
  const until = async (attempt: () => Promise<boolean>) => {
    for (let tries = 0; !(await attempt()); tries++) {
      expect(tries).toBeLessThan(1_000); // the kernel takes namespaces apart in its own time
      await Bun.sleep(10);
    }
  };
  expect((await take('p1')).status).toBe(0);
  expect((await take('p2')).status).toBe(1);
  libc.close(running.get('p1') ?? -1);
  running.delete('p1');
  await until(async () => (await take('p2')).status === 0);
  expect(await add('c1', '', single)).toMatch(/^999 /);
  libc.close(running.get('p2') ?? -1);
  running.delete('p2');
  await until(async () => (await add('c1', '', single)) === '10.9.7.0/32');
});
