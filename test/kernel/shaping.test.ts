// The bandwidth of workloads' links with real traffic: so many bytes take so long, each way; it is made anew when somebody
// takes it away, follows a change, and goes when nobody asks for it.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { reconcileKernel } from '../../src/kernel/reconcile/reconcile.ts';
import { computeWorkloadsState, type LocalWorkload } from '../../src/kernel/reconcile/workload-state.ts';
import { removeLeftIfbs } from '../../src/kernel/shaping/shaping.ts';
import type { LinkBandwidth } from '../../src/net/bandwidth.ts';
import { formatIp, type Ip } from '../../src/net/ip.ts';
import { withRouteSocket } from '../../src/sys/netlink.ts';
import { addNetns, inNetns, removeAllNetns, runIn } from '../support/firewall/firewall-net.ts';
import { addHost, addPod, HOST_IPV4, type Pod } from '../support/firewall/firewall-pods.ts';

const BYTES = 500_000;
const PORT = 9000;
/** 4 Mbit/s: the bytes take a second. */
const SLOW = { bitsPerSecond: 4_000_000, burstBits: 160_000 };
const FAST = { bitsPerSecond: 40_000_000, burstBits: 160_000 };

let host: string;
let pod: Pod;
const servers: { stop(force: boolean): void }[] = [];

/** Sends the bytes to whoever connects, after one byte of theirs; counts what others send. */
function serve(netns: string, hostname: string): void {
  const socket = {
    data(one: Bun.Socket<{ received: number }>, bytes: Buffer) {
      if (bytes.length === 1) return void pour(one);
      one.data.received += bytes.length;
      if (one.data.received >= BYTES) one.end('!');
    },
    open(one: Bun.Socket<{ received: number }>) {
      one.data = { received: 0 };
    },
    drain: (one: Bun.Socket<{ received: number; left?: number }>) => void pour(one),
  };
  servers.push(inNetns(netns, () => Bun.listen({ hostname, port: PORT, socket })));
}

/** What is still to be sent by a socket. */
const lefts = new WeakMap<object, number>();

function pour(socket: Bun.Socket<unknown>): void {
  const left = lefts.get(socket) ?? BYTES;
  const written = socket.write(Buffer.alloc(left, 'xx'));
  lefts.set(socket, left - written);
}

/** How long it takes to get the bytes from there, or to send them there, in seconds. */
async function transfer(netns: string, to: Ip, what: 'get' | 'send'): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<void>();
  let received = 0;
  const socket = {
    data(_: unknown, bytes: Buffer) {
      received += bytes.length;
      if (what === 'send' || received >= BYTES) resolve();
    },
    drain(one: Bun.Socket<unknown>) {
      if (what === 'send') pour(one);
    },
  };
  const client = await inNetns(netns, () => Bun.connect({ hostname: formatIp(to), port: PORT, socket }));
  const startedMs = performance.now();
  if (what === 'get') client.write('?');
  else pour(client);
  await promise;
  client.end();
  return (performance.now() - startedMs) / 1000;
}

function shape(bandwidth: LinkBandwidth): ReturnType<typeof reconcileKernel> {
  const workload: LocalWorkload = {
    ...{ id: 'default/a', interfaceName: pod.interfaceName, addresses: [pod.ipv4], floating: [] },
    ...{ mac: undefined, maySpoof: false, fromLoopback: [], isPartial: false, bandwidth },
  };
  return inNetns(host, () => reconcileKernel(computeWorkloadsState([workload])));
}

const tc = (...words: readonly string[]) => runIn(host, ['tc', ...words]);
const ifbs = () =>
  runIn(host, ['ip', '-br', 'link'])
    .split('\n')
    .filter((line) => line.startsWith('bwcali'));

beforeAll(() => {
  host = addHost();
  pod = addPod(host, 1);
  addNetns();
  serve(pod.netns, formatIp(pod.ipv4));
  serve(host, formatIp(HOST_IPV4));
});

afterAll(() => {
  for (const server of servers) server.stop(true);
  removeAllNetns();
});

test('a pod is sent no more than its bandwidth, and sends what it can', async () => {
  expect(await transfer(host, pod.ipv4, 'send')).toBeLessThan(0.5);
  expect(shape({ ingress: SLOW })).toMatchObject({ shaped: ['cali1'], failures: [] });
  expect(shape({ ingress: SLOW })).toMatchObject({ shaped: [], failures: [] });
  expect(await transfer(host, pod.ipv4, 'send')).toBeWithin(0.8, 4);
  expect(await transfer(pod.netns, HOST_IPV4, 'send')).toBeLessThan(0.5);
});

test('a pod sends no more than its bandwidth, and is sent what can be', async () => {
  expect(shape({ egress: SLOW })).toMatchObject({ shaped: ['cali1'], failures: [] });
  expect(shape({ egress: SLOW })).toMatchObject({ shaped: [], failures: [] });
  expect(await transfer(pod.netns, HOST_IPV4, 'send')).toBeWithin(0.8, 4);
  expect(await transfer(pod.netns, HOST_IPV4, 'get')).toBeLessThan(0.5);
  expect(ifbs()).toHaveLength(1);
});

test('a standing link follows another bandwidth', async () => {
  expect(shape({ egress: FAST, ingress: FAST })).toMatchObject({ shaped: ['cali1'], failures: [] });
  for (const what of ['send', 'get'] as const) expect(await transfer(pod.netns, HOST_IPV4, what)).toBeWithin(0.08, 0.7);
});

test('what somebody takes away comes back', () => {
  const wanted = { egress: SLOW, ingress: SLOW };
  shape(wanted);
  const [ifb = ''] = ifbs().map((line) => line.split(' ')[0] ?? '');
  for (const words of [
    ['qdisc', 'del', 'dev', 'cali1', 'root'],
    ['qdisc', 'del', 'dev', 'cali1', 'ingress'],
    ['filter', 'del', 'dev', 'cali1', 'ingress'],
    ['qdisc', 'del', 'dev', ifb, 'root'],
    [
      'qdisc',
      'replace',
      'dev',
      'cali1',
      'root',
      'handle',
      '1:',
      'tbf',
      'rate',
      '9mbit',
      'burst',
      '9kb',
      'limit',
      '9kb',
    ],
  ]) {
    tc(...words);
    expect(shape(wanted)).toMatchObject({ shaped: ['cali1'], failures: [] });
    expect(shape(wanted)).toMatchObject({ shaped: [] });
  }
  runIn(host, ['ip', 'link', 'del', ifb]);
  expect(shape(wanted)).toMatchObject({ shaped: ['cali1'], failures: [] });
});

test('what somebody else made stays where no bandwidth is asked for, and gives way where one is', () => {
  expect(shape({})).toMatchObject({ shaped: ['cali1'], failures: [] });
  const bucket = ['root', 'handle', '1:', 'tbf', 'rate', '9mbit', 'burst', '9kb', 'limit', '9kb'];
  runIn(host, ['ip', 'link', 'add', 'bwp1', 'up', 'type', 'ifb']);
  const match = ['parent', 'ffff:', 'protocol', 'all', 'u32', 'match', 'u32', '0', '0'];
  for (const words of [
    ['qdisc', 'add', 'dev', 'cali1', ...bucket],
    ['qdisc', 'add', 'dev', 'cali1', 'ingress'],
    ['filter', 'add', 'dev', 'cali1', ...match, 'action', 'mirred', 'egress', 'redirect', 'dev', 'bwp1'],
  ])
    tc(...words);
  const standing = () => tc('qdisc', 'show', 'dev', 'cali1') + tc('filter', 'show', 'dev', 'cali1', 'ingress');
  const theirs = standing();
  expect(shape({})).toMatchObject({ shaped: [], failures: [] });
  expect(standing()).toBe(theirs);
  expect(shape({ egress: SLOW, ingress: SLOW })).toMatchObject({ shaped: ['cali1'], failures: [] });
  expect(standing()).not.toMatch(/9Mbit|bwp1/);
  expect(shape({ egress: SLOW, ingress: SLOW })).toMatchObject({ shaped: [], failures: [] });
  runIn(host, ['ip', 'link', 'del', 'bwp1']);
});

test('a pod that is sent through a link which has gone sends again when no bandwidth is asked for', async () => {
  shape({ egress: FAST });
  const [ifb = ''] = ifbs().map((line) => line.split(' ')[0] ?? '');
  runIn(host, ['ip', 'link', 'del', ifb]);
  expect(shape({})).toMatchObject({ shaped: ['cali1'], failures: [] });
  expect(await transfer(pod.netns, HOST_IPV4, 'send')).toBeLessThan(0.5);
});

test('rates, bursts and peaks at their limits are taken, and read back as they are', () => {
  for (const bitsPerSecond of [1_000, 1_000_000_000_000_000])
    for (const burstBits of [1_000, 34_359_738_360])
      for (const more of [
        {},
        { peakBitsPerSecond: 1_010_000_000_000_000, minBurstBytes: 100_000_000 },
        { peakBitsPerSecond: 1_010 },
      ]) {
        const one = { bitsPerSecond, burstBits, ...more };
        shape({ ingress: one, egress: one });
        expect(shape({ ingress: one, egress: one })).toMatchObject({ shaped: [], failures: [] });
      }
});

test('nothing is left of a bandwidth that nobody asks for, nor of a link that is gone', () => {
  expect(shape({})).toMatchObject({ shaped: ['cali1'], failures: [] });
  expect(tc('qdisc', 'show', 'dev', 'cali1')).not.toMatch(/tbf|ingress/);
  expect(ifbs()).toEqual([]);
  shape({ egress: SLOW });
  runIn(host, ['ip', 'link', 'del', 'cali1']);
  const left = () => inNetns(host, () => withRouteSocket((socket) => removeLeftIfbs(socket, [])));
  expect(left()).toHaveLength(1);
  expect(ifbs()).toEqual([]);
  expect(left()).toEqual([]);
});
