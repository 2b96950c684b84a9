// Runs in namespaces of its own: an etcd with a large cluster in it, and one agent after the other that follows it. Arguments: how
// many endpoints, and Calico's folder where it is there. Prints what each agent cost.
import { join } from 'node:path';
import { openEtcd } from '../../src/datastore/etcd/client.ts';
import { observeGeneration } from '../../src/kernel/nftables/observe.ts';
import { createMessageWriter, NETLINK_NETFILTER, openNetlink } from '../../src/sys/netlink.ts';
import { type ClusterFigures, fillCluster, observeCluster } from './cluster.ts';
import { startFelix } from './felix-process.ts';

export interface ClusterComparison {
  readonly ours: ClusterFigures;
  readonly peer: ClusterFigures | undefined;
}

const [countText = '', folder = ''] = process.argv.slice(2);
const ETCD = 'http://127.0.0.1:2379';
const INSIDE = 'OCICAT_BENCH_INSIDE';
const OURS = join(import.meta.dir, '../../dist/bin/calico-node');
const LOOK_MS = 10;
/** A ruleset that has not changed for so long has come to rest. */
const REST_MS = 5_000;
/** Listing 250,000 members costs as much as some programs need for making them. */
const LISTING_PAUSE_MS = 5_000;
const MAX_MS = 600_000;

const BOOT = `for dir in /run /var/lib; do mount -t tmpfs tmpfs $dir; done; mkdir -p /run/netns /run/log
  mount -t sysfs none /sys && ip link set lo up && ip link add ul0 type veth peer name ul1 && ip link set ul1 up && ip link set ul0 up
  ip addr add 10.98.0.1/24 dev ul0 && ip route add default via 10.98.0.2 && echo 1 >/proc/sys/net/ipv4/ip_forward && exec "$@"`;

async function reenter(): Promise<number> {
  const namespaces = ['unshare', '-n', '-m', '-p', '-f', '--kill-child', '--mount-proc'];
  const command = [...namespaces, 'sh', '-c', BOOT, 'sh', process.execPath, import.meta.path, countText, folder];
  const env = { ...process.env, [INSIDE]: '1' };
  return Bun.spawn(command, { env, stdio: ['ignore', 'inherit', 'inherit'] }).exited;
}

/** Seconds from now until the last change of a ruleset, after which all of it was there and at rest. */
async function awaitRest(isWhole: () => boolean): Promise<number> {
  const netlink = openNetlink(NETLINK_NETFILTER);
  const writer = createMessageWriter();
  const startMs = performance.now();
  let generation = observeGeneration(netlink, writer);
  let changedMs = startMs;
  let listedMs = startMs;
  try {
    while (performance.now() - startMs < MAX_MS) {
      await Bun.sleep(LOOK_MS);
      const now = observeGeneration(netlink, writer);
      if (now !== generation) [generation, changedMs] = [now, performance.now()];
      if (performance.now() - Math.max(changedMs + REST_MS, listedMs + LISTING_PAUSE_MS) < 0) continue;
      if (isWhole()) return (changedMs - startMs) / 1000;
      listedMs = performance.now();
    }
  } finally {
    netlink.close();
  }
  throw new Error(`the kernel has not what the store says after ${MAX_MS / 1000} s`);
}

/** The sets of the policies have all endpoints between them, an element a line of its own or several in one. */
function countMembers(): number {
  const { stdout } = Bun.spawnSync(['nft', '-n', 'list', 'sets']);
  return new Set(stdout.toString().match(/\b10\.\d+\.\d+\.\d+\b/g)).size;
}

/** Measures an agent that `start` starts, and ends it. */
async function measure(start: () => number): Promise<ClusterFigures> {
  const datastore = openEtcd({ endpoints: async () => [ETCD] });
  const count = Number(countText);
  const pid = start();
  try {
    const startSeconds = await awaitRest(() => countMembers() >= count);
    return await observeCluster(pid, startSeconds, datastore, count);
  } finally {
    process.kill(pid, 'SIGKILL');
    await datastore.close();
  }
}

function startOurs(): number {
  const env = { PATH: process.env.PATH ?? '', ETCD_ENDPOINTS: ETCD, NODENAME: 'host1', IP: 'autodetect' };
  const agent = Bun.spawn([OURS], { env, stdio: ['ignore', 'ignore', Bun.file('/run/log/agent')] });
  agent.unref();
  return agent.pid;
}

async function startStore(): Promise<void> {
  const flags = ['--data-dir', '/var/lib/etcd', '--log-level', 'error', '--quota-backend-bytes', String(2 ** 32)];
  Bun.spawn(['etcd', ...flags], { stdio: ['ignore', 'ignore', 'ignore'] }).unref();
  await Bun.sleep(3_000);
  const datastore = openEtcd({ endpoints: async () => [ETCD] });
  await fillCluster(datastore, Number(countText));
  await datastore.close();
}

if (process.env[INSIDE] !== '1') process.exit(await reenter());
await startStore();
const peer = folder === '' ? undefined : await measure(() => startFelix(folder, ETCD));
for (const family of ['ip', 'ip6', 'arp']) Bun.spawnSync(['nft', 'delete', 'table', family, 'calico']);
const ours = await measure(startOurs);
console.log(JSON.stringify({ ours, peer } satisfies ClusterComparison));
process.exit(0);
