// Runs on a host: IPAM plugins called as a main plugin calls them, ours and host-local in turn, while the pool fills.
import { type Container, type Plugin, timeCall, timeCallsAtOnce } from './cni-calls.ts';

/** What a stage of filling measured; times in milliseconds, from a plugin's start to its end. */
export interface IpamTimes {
  readonly filled: string;
  readonly ours: readonly number[];
  readonly peer: readonly number[];
  /** As many calls together, from the first start to the last end. */
  readonly atOnce: number;
  readonly oursAtOnceMs: number;
  readonly peerAtOnceMs: number;
}

const SINGLE = 40;
const AT_ONCE = 40;
/** Addresses that are held already; the pool has 1,024, and 4 are left at the end. */
const STAGES = [
  ['empty', 0],
  ['half', 512],
  ['nearly-full', 1_024 - SINGLE - AT_ONCE - 4],
] as const;

const config = (ipam: object) => JSON.stringify({ cniVersion: '1.0.0', name: 'bench-ipam', type: 'bridge', ipam });
const OURS: Plugin = {
  path: '/opt/cni/bin/calico-ipam',
  searchPath: '/opt/cni/bin',
  config: config({ type: 'calico-ipam', ipv4_pools: ['bench'] }),
};
const PEER: Plugin = {
  path: '/usr/lib/cni/host-local',
  searchPath: '/usr/lib/cni',
  // all of 10.202.0.0/22 but its first, its last and the gateway
  config: config({ type: 'host-local', ranges: [[{ subnet: '10.202.0.0/22' }]] }),
};

let made = 0;
/** One namespace for all: an IPAM plugin does not enter it. */
function nextContainers(count: number): readonly Container[] {
  return Array.from({ length: count }, () => ({ id: `bench${made++}`, netns: '/var/run/netns/bench-ipam' }));
}

async function fill(count: number): Promise<void> {
  for (let left = count; left > 0; left -= AT_ONCE) {
    const containers = nextContainers(Math.min(left, AT_ONCE));
    await timeCallsAtOnce(OURS, 'ADD', containers);
    await timeCallsAtOnce(PEER, 'ADD', containers);
  }
}

async function measure(filled: string): Promise<IpamTimes> {
  const [ours, peer]: [number[], number[]] = [[], []];
  for (const container of nextContainers(SINGLE)) {
    ours.push(timeCall(OURS, 'ADD', container));
    peer.push(timeCall(PEER, 'ADD', container));
  }
  const containers = nextContainers(AT_ONCE);
  const oursAtOnceMs = await timeCallsAtOnce(OURS, 'ADD', containers);
  const peerAtOnceMs = await timeCallsAtOnce(PEER, 'ADD', containers);
  return { filled, ours, peer, atOnce: AT_ONCE, oursAtOnceMs, peerAtOnceMs };
}

Bun.spawnSync(['ip', 'netns', 'add', 'bench-ipam']);
const all: IpamTimes[] = [];
try {
  for (const [filled, held] of STAGES) {
    await fill(held - made);
    all.push(await measure(filled));
  }
} finally {
  Bun.spawnSync(['ip', 'netns', 'del', 'bench-ipam']);
}
console.log(JSON.stringify(all));
