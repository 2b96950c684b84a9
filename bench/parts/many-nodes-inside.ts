// Runs in namespaces of its own: an etcd with a cluster of NODES nodes in it, and one agent that follows it with its BIRD. Nodes come
// and go; prints how soon the kernel has their routes through the tunnel, or has them no longer.
import { join } from 'node:path';
import { openEtcd } from '../../src/datastore/etcd/client.ts';
import type { Datastore, Write } from '../../src/datastore/port.ts';
import { observeKernelEvents } from '../../src/kernel/event/events.ts';
import { observeRoutes, PATH_PROTOCOL } from '../../src/kernel/route/routes.ts';
import { formatCidr } from '../../src/net/cidr.ts';
import { formatIp, ipv4Of } from '../../src/net/ip.ts';
import { withRouteSocket } from '../../src/sys/netlink.ts';
import { cpuSeconds, residentMb } from './process-figures.ts';

export interface ManyNodesFigures {
  readonly startSeconds: number;
  readonly residentMb: number;
  /** Of each node that came and went, in ms after it was written. */
  readonly joined: readonly number[];
  readonly left: readonly number[];
  /** Processor time of the agent for one that comes and goes, in ms. */
  readonly cpuMs: number;
}

const [countText = ''] = process.argv.slice(2);
const NODES = Number(countText);
const BLOCKS = 2;
const ROUNDS = 20;
const ETCD = 'http://127.0.0.1:2379';
const INSIDE = 'OCICAT_BENCH_INSIDE';
const AGENT = join(import.meta.dir, '../../dist/bin/calico-node');
const PREFIX = '/calico/resources/v3/projectcalico.org';
const LIMIT_MS = 120_000;
const WRITES = 100;
/** BIRD has followed by then. */
const REST_MS = 300;

const BOOT = `for dir in /run /var/lib; do mount -t tmpfs tmpfs $dir; done; mkdir -p /run/netns /run/log
  mount -t sysfs none /sys && ip link set lo up && ip link add ul0 type veth peer name ul1 && ip link set ul1 up && ip link set ul0 up
  ip addr add 10.98.0.1/16 dev ul0 && ip route add default via 10.98.0.2 && exec "$@"`;

async function reenter(): Promise<number> {
  const namespaces = ['unshare', '-n', '-m', '-p', '-f', '--kill-child', '--mount-proc'];
  const command = [...namespaces, 'sh', '-c', BOOT, 'sh', process.execPath, import.meta.path, countText];
  const env = { ...process.env, [INSIDE]: '1' };
  return Bun.spawn(command, { env, stdio: ['ignore', 'inherit', 'inherit'] }).exited;
}

const blockOf = (node: number, block: number) => `${formatIp(ipv4Of(0x0a800000 + (node * BLOCKS + block) * 64))}/26`;
const addressOf = (node: number) => formatIp(ipv4Of(0x0a620100 + node));
const nodeKey = (node: number) => `${PREFIX}/nodes/far-${node}`;
const blockKey = (node: number, block: number) =>
  `/calico/ipam/v2/assignment/ipv4/block/${blockOf(node, block).replace('/', '-')}`;

function printNode(node: number): string {
  const spec = {
    bgp: { ipv4Address: `${addressOf(node)}/16` },
    ipv4VXLANTunnelAddr: blockOf(node, 0).replace('/26', ''),
  };
  return JSON.stringify({ kind: 'Node', apiVersion: 'projectcalico.org/v3', metadata: { name: `far-${node}` }, spec });
}

function printBlock(node: number, block: number): string {
  const free = Array.from({ length: 64 }, (_, ordinal) => ordinal);
  return JSON.stringify({
    ...{ cidr: blockOf(node, block), affinity: `host:far-${node}`, allocations: free.map(() => null) },
    ...{ unallocated: free, attributes: [], sequenceNumber: 1, sequenceNumberForAllocation: {}, deleted: false },
  });
}

function writesOf(node: number): readonly Write[] {
  const blocks = Array.from({ length: BLOCKS }, (_, block): Write => {
    return { kind: 'put', key: blockKey(node, block), value: printBlock(node, block) };
  });
  return [{ kind: 'put', key: nodeKey(node), value: printNode(node) }, ...blocks];
}

async function commit(datastore: Datastore, writes: readonly Write[]): Promise<void> {
  for (let at = 0; at < writes.length; at += WRITES)
    await datastore.commit({ conditions: [], writes: writes.slice(at, at + WRITES) });
}

async function fill(datastore: Datastore): Promise<void> {
  const spec = { cidr: '10.128.0.0/12', blockSize: 26, vxlanMode: 'Always', nodeSelector: 'all()' };
  const pool = { kind: 'IPPool', apiVersion: 'projectcalico.org/v3', metadata: { name: 'vxlan' }, spec };
  await commit(datastore, [{ kind: 'put', key: `${PREFIX}/ippools/vxlan`, value: JSON.stringify(pool) }]);
  await commit(datastore, Array.from({ length: NODES }, (_, node) => writesOf(node)).flat());
}

/** Milliseconds until it is so. */
async function timeUntil(isSo: () => boolean | Promise<boolean>, pauseMs: number): Promise<number> {
  const startMs = performance.now();
  while (!(await isSo())) {
    if (performance.now() - startMs > LIMIT_MS) throw new Error('the agent does not follow');
    await Bun.sleep(pauseMs);
  }
  return performance.now() - startMs;
}

const countRoutes = () => withRouteSocket((socket) => observeRoutes(socket, { protocol: PATH_PROTOCOL }).length);

/** The destinations that the kernel has now, as its notifications say. */
function followRoutes(signal: AbortSignal): ReadonlySet<string> {
  const there = new Set<string>();
  void (async () => {
    for await (const event of observeKernelEvents(signal, ['route'])) {
      if (event.kind !== 'route') continue;
      if (event.change === 'set') there.add(formatCidr(event.route.destination));
      else there.delete(formatCidr(event.route.destination));
    }
  })();
  return there;
}

async function joinAndLeave(datastore: Datastore, node: number, there: ReadonlySet<string>) {
  const last = blockOf(node, BLOCKS - 1);
  await commit(datastore, writesOf(node));
  const joined = await timeUntil(() => there.has(last), 1);
  await Bun.sleep(REST_MS);
  await commit(datastore, [{ kind: 'delete', key: nodeKey(node) }]);
  const left = await timeUntil(() => !there.has(last), 1);
  const blocks = Array.from({ length: BLOCKS }, (_, block): Write => ({ kind: 'delete', key: blockKey(node, block) }));
  await commit(datastore, blocks);
  await Bun.sleep(REST_MS);
  return { joined, left };
}

if (process.env[INSIDE] !== '1') process.exit(await reenter());
Bun.spawn(['etcd', '--data-dir', '/var/lib/etcd', '--log-level', 'error'], {
  stdio: ['ignore', 'ignore', 'ignore'],
}).unref();
await Bun.sleep(2_000);
const datastore = openEtcd({ endpoints: async () => [ETCD] });
await fill(datastore);
const env = {
  PATH: process.env.PATH ?? '',
  ETCD_ENDPOINTS: ETCD,
  NODENAME: 'host1',
  IP: 'autodetect',
  NO_DEFAULT_POOLS: 'true',
};
const agent = Bun.spawn([AGENT], { env, stdio: ['ignore', 'ignore', Bun.file('/run/log/agent')] });
const startMs = await timeUntil(() => countRoutes() >= NODES * BLOCKS, 20);
await Bun.sleep(5_000);
const closing = new AbortController();
const there = followRoutes(closing.signal);
const before = cpuSeconds(agent.pid);
const rounds = [];
for (let round = 0; round < ROUNDS; round++) rounds.push(await joinAndLeave(datastore, NODES + round, there));
const figures: ManyNodesFigures = {
  startSeconds: startMs / 1000,
  residentMb: residentMb(agent.pid),
  joined: rounds.map(({ joined }) => joined),
  left: rounds.map(({ left }) => left),
  cpuMs: ((cpuSeconds(agent.pid) - before) * 1000) / ROUNDS,
};
console.log(JSON.stringify(figures));
process.exit(0);
