// Runs on a host of a lab whose cluster gets NODES nodes more, on paper: how long after the Node of one is written or deleted BIRD has
// its session, or has it no longer; and how long that takes by hand, the file with one session more and `configure`. Prints both.
import { readFileSync, writeFileSync } from 'node:fs';
import { askBird } from '../../src/bird/control.ts';
import { openEtcd } from '../../src/datastore/etcd/client.ts';
import type { Write } from '../../src/datastore/port.ts';
import { cpuSeconds, findProcess, residentMb } from './process-figures.ts';

export interface BgpFigures {
  /** From the write of a Node until BIRD has the session, and from its deletion until it has not. */
  readonly joinMs: readonly number[];
  readonly leaveMs: readonly number[];
  /** From the start of writing the file by hand until BIRD has the session. */
  readonly byHandMs: readonly number[];
  /** Of the agent and BIRD, for one change. */
  readonly agentCpuMs: number;
  readonly birdCpuMs: number;
  readonly agentMb: number;
  readonly birdMb: number;
}

const [nodes = 0, rounds = 0] = process.argv.slice(2).map(Number);
const SOCKET = '/var/run/calico/bird.ctl';
const CONFIG = '/var/run/calico/bird.cfg';
const LOOK_MS = 5;
const MAX_MS = 60_000;
const BATCH = 100;

const addressOf = (n: number) => `10.150.${n >> 8}.${n & 255}`;
const sessionOf = (n: number) => `Mesh_${addressOf(n).replaceAll('.', '_')}`;
const keyOf = (n: number) => `/calico/resources/v3/projectcalico.org/nodes/paper-${n}`;

function nodeAt(n: number): Write {
  const spec = { bgp: { ipv4Address: `${addressOf(n)}/16` } };
  const value = { kind: 'Node', apiVersion: 'projectcalico.org/v3', metadata: { name: `paper-${n}` }, spec };
  return { kind: 'put', key: keyOf(n), value: JSON.stringify(value) };
}

async function hasSession(n: number): Promise<boolean> {
  const lines = await askBird(SOCKET, `show protocols "${sessionOf(n)}"`).catch(() => []);
  return lines.some(({ text }) => text.startsWith(sessionOf(n)));
}

/** Milliseconds until BIRD has the session, or has it not. */
async function timeUntil(n: number, wanted: boolean): Promise<number> {
  const startMs = performance.now();
  while ((await hasSession(n)) !== wanted) {
    if (performance.now() - startMs > MAX_MS) throw new Error(`${sessionOf(n)}: not within ${MAX_MS} ms`);
    await Bun.sleep(LOOK_MS);
  }
  return performance.now() - startMs;
}

const datastore = openEtcd({ endpoints: async () => ['http://underlay:2379'] });
const commit = (writes: readonly Write[]) => datastore.commit({ conditions: [], writes });
const extra = nodes + 1;

const BY_HAND = `
protocol bgp ${sessionOf(extra)} from peers_v4 { local as 64512; multihop; neighbor ${addressOf(extra)} as 64512; }
`;

async function configure(text: string, wanted: boolean): Promise<number> {
  const startMs = performance.now();
  writeFileSync(CONFIG, text);
  await askBird(SOCKET, 'configure');
  await timeUntil(extra, wanted);
  return performance.now() - startMs;
}

/** What another program would have to do at least. */
async function changeByHand(): Promise<number> {
  const text = readFileSync(CONFIG, 'utf8');
  const ms = await configure(`${text}${BY_HAND}`, true);
  await configure(text, false);
  return ms;
}

for (let at = 1; at <= nodes; at += BATCH)
  await commit(Array.from({ length: Math.min(BATCH, nodes + 1 - at) }, (_, n) => nodeAt(at + n)));
await timeUntil(nodes, true);
await Bun.sleep(5_000);

const [agent, bird] = [findProcess('calico-node'), findProcess('bird')];
const joinMs: number[] = [];
const leaveMs: number[] = [];
const before = [cpuSeconds(agent), cpuSeconds(bird)];
for (let round = 0; round < rounds; round++) {
  await commit([nodeAt(extra)]);
  joinMs.push(await timeUntil(extra, true));
  await commit([{ kind: 'delete', key: keyOf(extra) }]);
  leaveMs.push(await timeUntil(extra, false));
}
const cpuMs = [cpuSeconds(agent), cpuSeconds(bird)].map(
  (seconds, index) => ((seconds - (before[index] ?? 0)) * 1_000) / (2 * rounds),
);
process.kill(agent, 'SIGSTOP'); // what is changed by hand would be changed back
const byHandMs: number[] = [];
try {
  for (let round = 0; round < rounds; round++) byHandMs.push(await changeByHand());
} finally {
  process.kill(agent, 'SIGCONT');
}
const figures: BgpFigures = {
  ...{ joinMs, leaveMs, byHandMs, agentCpuMs: cpuMs[0] ?? 0, birdCpuMs: cpuMs[1] ?? 0 },
  ...{ agentMb: residentMb(agent), birdMb: residentMb(bird) },
};
console.log(JSON.stringify(figures));
await datastore.close();
process.exit(0);
