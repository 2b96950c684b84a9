// The agent, the shim or etcd is killed at a step of ADD, DEL or GC, the agent maybe once more as it starts again: the runtime's next try
// succeeds, DEL succeeds, and store, kernel and disk hold exactly what is live. OCICAT_KILL_CASES says how many deaths, up to every
// step there is; OCICAT_KILL_SEED in which order, and how the runtime goes on.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { drawDeaths } from '../support/kills/draw.ts';
import { observeSettled, type Plan, planOthers, planScenario, planStart } from '../support/kills/plan.ts';
import { type Death, formatDeath, runDeath } from '../support/kills/run.ts';
import { SCENARIOS } from '../support/kills/scenarios.ts';
import { type KillSite, openKillSite } from '../support/kills/site.ts';

const CASES = Number(process.env.OCICAT_KILL_CASES ?? SCENARIOS.length);
const SEED = Number(process.env.OCICAT_KILL_SEED ?? 1);
const LIMIT_MS = 120_000 + CASES * 60_000;

let site: KillSite;
let base: readonly string[];
let plans: readonly Plan[];
let deaths: readonly Death[];

beforeAll(async () => {
  site = await openKillSite();
  const start = await planStart(site);
  const others = await planOthers(site);
  const planned: Plan[] = [];
  for (const scenario of SCENARIOS) planned.push(await planScenario(site, scenario));
  plans = planned;
  base = await observeSettled(site);
  deaths = drawDeaths({ plans, others, start }, SEED, CASES);
}, 300_000);

afterAll(async () => {
  await site?.close();
}, 20_000);

test('a container is seen in the store, in the kernel, on disk and in its own namespace', () => {
  const { before = [], done = [] } = plans[0]?.references ?? {};
  const own = done.filter((line) => !before.includes(line)).map((line) => line.replace(/^pod k1: /, 'in the pod: '));
  const kinds = new Set(own.map((line) => /^(in the pod: )?\w+/.exec(line)?.[0]));
  const inPod = ['address', 'link', 'neighbour', 'route'].map((kind) => `in the pod: ${kind}`);
  const kept = ['endpoint', 'address', 'handle', 'files', 'kept'];
  for (const kind of [...kept, 'link', 'route', 'neighbour', 'element', ...inPod]) expect(kinds).toContain(kind);
  expect(before).toEqual(base);
});

/** What went wrong, in words. */
async function faultsOf(death: Death): Promise<readonly string[]> {
  try {
    return await runDeath(site, base, death);
  } catch (error) {
    return [String(error), site.host.log().slice(-5_000)];
  }
}

test(
  `after each of ${CASES} deaths what is live is what there is`,
  async () => {
    for (const [turn, death] of deaths.entries()) {
      expect(await faultsOf(death), `${turn + 1}. ${formatDeath(death)}`).toEqual([]);
      if (turn % 50 === 49) console.log(`${turn + 1} of ${deaths.length} deaths`);
    }
  },
  LIMIT_MS,
);
