// How long it takes in a lab until every host has a route to one that joins, and none to one that leaves.
import { startAgent } from '../../src/lab/node-agent.ts';
import { readState } from '../../src/lab/state.ts';
import { execOnHost, withLab } from './lab.ts';

/** How packets come from host to host: what the pool of the lab is then. */
export interface JoinMode {
  readonly name: string;
  readonly pool: Readonly<Record<string, string>>;
  readonly segments: number;
}

/** Of one host that came and went: seconds after its Node was written, and after `calicoctl delete node` was called. */
interface Round {
  readonly join: number;
  readonly leave: number;
}

const HOSTS = 8;
const LIMIT_MS = 30_000;
const NODE_KEY = '/calico/resources/v3/projectcalico.org/nodes';
const NETWORK = '{"name":"network1","cniVersion":"1.1.0","type":"calico","ipam":{"type":"calico-ipam"}}';
const hostName = (number: number) => `calico-0${number}`;
const JOINER = hostName(HOSTS);
const STAYING = Array.from({ length: HOSTS - 1 }, (_, index) => hostName(index + 1));

/** A container is attached as a runtime does it, as soon as the agent takes it. Prints its address. */
const ATTACH = `id=$(cat /proc/sys/kernel/random/uuid); ip netns add p; for try in $(seq 3000); do
  CNI_COMMAND=ADD CNI_CONTAINERID=$id CNI_NETNS=/run/netns/p CNI_IFNAME=eth0 CNI_PATH=/opt/cni/bin /opt/cni/bin/calico <<<'${NETWORK}' >/tmp/added 2>&1 && break
  sleep 0.01; done
grep -oE '"address": *"[0-9.]+' /tmp/added | grep -oE '[0-9.]+$'`;

const stop = (program: string) => `pid=$(pgrep -x ${program}) && kill $pid && tail --pid=$pid -s 0.05 -f /dev/null`;

/** The agent has ended already; then the host is as one that has never been in the cluster. */
const FORGET = `${stop('bird')}; ip netns del p 2>/dev/null; ip route flush proto bird; ip route flush proto 80; ip link del vxlan.calico 2>/dev/null; true`;

async function shell(name: string, host: string, script: string): Promise<string> {
  return (await execOnHost(name, host, ['/bin/bash', '-c', script])).trim();
}

/** Every change of a host's routes, and every write of the Node of the one that joins, with the time of day. */
async function watchAll(name: string): Promise<void> {
  const routes = 'setsid --fork stdbuf -oL ip -4 -ts monitor route >/tmp/routes 2>&1 </dev/null';
  await Promise.all([...STAYING, JOINER].map((host) => shell(name, host, routes)));
  const watch = `etcdctl --endpoints http://underlay:2379 watch --prefix ${NODE_KEY}/${JOINER}`;
  const stamp = `${watch} | while read -r line; do [ "$line" = PUT ] && date +%s%3N; done`;
  await shell(name, hostName(1), `setsid --fork bash -c '${stamp}' >/tmp/node 2>&1 </dev/null`);
}

/** The block of an address, as routes name it. */
function blockOf(address: string): string {
  const [a, b, c, d] = address.split('.').map(Number);
  return `${a}.${b}.${c}.${(d ?? 0) & ~63}/26`;
}

/** When the host first saw a change that matches since a moment, in ms; undefined: not yet. */
async function timeOfChange(name: string, host: string, pattern: RegExp, sinceMs: number): Promise<number | undefined> {
  const lines = (await shell(name, host, 'tail -n 400 /tmp/routes')).split('\n');
  const times = lines.flatMap((line) => {
    const [, time = '', text = ''] = /^\[([^\]]+)\] ?(.*)$/.exec(line) ?? [];
    const ms = Date.parse(`${time}Z`);
    return pattern.test(text) && ms >= sinceMs ? [ms] : [];
  });
  return times[0];
}

/** When the Node was written, in ms. */
async function registeredMs(name: string, sinceMs: number): Promise<number> {
  for (let waitedMs = 0; waitedMs < LIMIT_MS; waitedMs += 50) {
    const times = (await shell(name, hostName(1), 'cat /tmp/node')).split('\n').map(Number);
    const first = times.find((time) => time >= sinceMs);
    if (first !== undefined) return first;
    await Bun.sleep(50);
  }
  throw new Error(`node of ${JOINER}: not registered within ${LIMIT_MS} ms`);
}

/** When the last of the hosts saw its change. */
async function lastChange(
  name: string,
  wanted: readonly (readonly [host: string, pattern: RegExp])[],
  sinceMs: number,
): Promise<number> {
  let missing: readonly string[] = [];
  for (let waitedMs = 0; waitedMs < LIMIT_MS; waitedMs += 500) {
    const times = await Promise.all(wanted.map(([host, pattern]) => timeOfChange(name, host, pattern, sinceMs)));
    if (times.every((time) => time !== undefined)) return Math.max(...times);
    missing = wanted.flatMap(([host, pattern], index) => (times[index] === undefined ? [`${pattern} on ${host}`] : []));
    await Bun.sleep(500);
  }
  throw new Error(`not within ${LIMIT_MS} ms: ${missing.join(', ')}`);
}

const routeTo = (block: string) => new RegExp(`^${block.replaceAll('.', '\\.')} `);
const deletedTo = (block: string) => new RegExp(`^Deleted ${block.replaceAll('.', '\\.')} `);

async function runRound(name: string, others: readonly string[]): Promise<Round> {
  const state = readState(name);
  const node = state.plan.nodes.find((one) => one.name === JOINER);
  if (node === undefined) throw new Error(`no host ${JOINER}`);
  const startMs = Date.now();
  const attached = shell(name, JOINER, ATTACH);
  await startAgent(state, node);
  const block = blockOf(await attached);
  const putMs = await registeredMs(name, startMs);
  const wanted = [
    ...STAYING.map((host) => [host, routeTo(block)] as const),
    ...others.map((other) => [JOINER, routeTo(other)] as const),
  ];
  const joinedMs = await lastChange(name, wanted, startMs);
  await shell(name, JOINER, stop('calico-node')); // BIRD stays, as on a host that has failed in part
  const deletedMs = Number(
    (await shell(name, hostName(1), `date +%s%3N; calicoctl delete node ${JOINER}`)).split('\n')[0],
  );
  const left = await lastChange(
    name,
    STAYING.map((host) => [host, deletedTo(block)] as const),
    deletedMs,
  );
  await shell(name, JOINER, FORGET);
  return { join: (joinedMs - putMs) / 1_000, leave: (left - deletedMs) / 1_000 };
}

/** The rounds of a lab of 8 hosts, each with a pod. */
export async function measureJoins(mode: JoinMode, rounds: number): Promise<readonly Round[]> {
  const results: Round[] = [];
  await withLab(
    HOSTS,
    async (name) => {
      await shell(
        name,
        hostName(1),
        `calicoctl patch ippool default-ipv4-ippool -p '${JSON.stringify({ spec: mode.pool })}'`,
      );
      const blocks = await Promise.all(STAYING.map(async (host) => blockOf(await shell(name, host, ATTACH))));
      await shell(name, JOINER, `${stop('calico-node')}; ${FORGET}`);
      await shell(name, hostName(1), `calicoctl delete node ${JOINER}`);
      await watchAll(name);
      await Bun.sleep(2_000);
      for (let round = 0; round < rounds; round++) results.push(await runRound(name, blocks));
    },
    ['--segments', String(mode.segments)],
  );
  return results;
}
