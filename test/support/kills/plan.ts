// What each scenario is measured by: the snapshots of a host on which nobody died, and the steps at which somebody can.

import { SCENARIOS, type Scenario } from './scenarios.ts';
import type { KillSite } from './site.ts';
import { listSteps, listStepsOfProgram, type Step } from './steps.ts';

export type Victim = 'agent' | 'shim' | 'etcd';

export interface Plan {
  readonly scenario: Scenario;
  readonly references: Readonly<Record<'before' | 'done', readonly string[]>>;
  /** Of the agent. */
  readonly steps: readonly Step[];
}

export type Others = Readonly<Record<Exclude<Victim, 'agent'>, readonly Step[]>>;

/** After a start the agent has kept house once by then. */
export const HOUSEKEEPING_MS = 700;

/** How long what nobody waits for may take: the agent keeps house every 20 seconds. */
const SETTLE_MS = 45_000;
const LOOK_MS = 200;

/** The snapshot as soon as it has been the same twice. */
export async function observeSettled(site: KillSite): Promise<readonly string[]> {
  const deadline = performance.now() + SETTLE_MS;
  let before = await site.snapshot();
  for (;;) {
    await Bun.sleep(LOOK_MS);
    const now = await site.snapshot();
    if (Bun.deepEquals(now, before)) return now;
    if (performance.now() > deadline) throw new Error('the host does not come to rest');
    before = now;
  }
}

/** The snapshot, as soon as it is one of these; or what it is after all that time. */
export async function observeUntil(site: KillSite, wanted: readonly (readonly string[])[]): Promise<readonly string[]> {
  const deadline = performance.now() + SETTLE_MS;
  for (;;) {
    const now = await site.snapshot();
    if (wanted.some((one) => Bun.deepEquals(one, now)) || performance.now() > deadline) return now;
    await Bun.sleep(LOOK_MS);
  }
}

/** Go has each of its threads do what comes: the highest number that one of them came to. */
function ofAnyThread(steps: readonly Step[]): readonly Step[] {
  const byName = new Map(steps.map(({ call, turn }) => [`${call} ${turn}`, { thread: undefined, call, turn }]));
  return [...byName.values()];
}

async function withStore(site: KillSite, { isStoreAway = false }: Scenario, work: () => Promise<void>): Promise<void> {
  if (isStoreAway) await site.host.etcd.kill();
  await work();
  if (isStoreAway) await site.host.etcd.start();
}

/** Runs it with nobody dying, and leaves the host as it was. */
export async function planScenario(site: KillSite, scenario: Scenario): Promise<Plan> {
  const { before, calls, end } = scenario;
  site.must(before);
  const atFirst = await observeSettled(site);
  let steps: readonly Step[] = [];
  await withStore(site, scenario, async () => {
    steps = await listSteps(site.agent(), () => site.attempt(calls));
  });
  if (scenario.isStoreAway) site.must(calls); // what could not be done then is done now
  const done = await observeSettled(site);
  site.must(end);
  return { scenario, references: { before: atFirst, done }, steps };
}

/** Steps of those for whom one call is as another: of an ADD and a DEL. */
export async function planOthers(site: KillSite): Promise<Others> {
  const [add, del] = SCENARIOS;
  const attempt = async (tracer?: string) => {
    for (const call of [...(add?.calls ?? []), ...(del?.calls ?? [])]) await site.attempt([call], tracer);
  };
  return { shim: await listStepsOfProgram(attempt), etcd: ofAnyThread(await listSteps(site.etcd(), attempt)) };
}

/** Steps of the agent's start, as far as the first time that it keeps house. */
export async function planStart(site: KillSite): Promise<readonly Step[]> {
  site.killAgent();
  const steps = await listStepsOfProgram(async (tracer) => {
    await site.host.startAgent(tracer);
    await Bun.sleep(HOUSEKEEPING_MS);
  });
  site.killAgent(); // and the tracer with it
  await site.host.startAgent();
  return steps;
}
