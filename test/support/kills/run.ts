// One death, and what must be true afterwards: what the runtime tries next succeeds, and the host holds what is live and nothing
// else.
import { HOUSEKEEPING_MS, observeUntil, type Plan, type Victim } from './plan.ts';
import type { Way } from './scenarios.ts';
import type { KillSite } from './site.ts';
import { formatStep, killAt, printTracer, type Step, type Trace } from './steps.ts';

export interface Death {
  readonly plan: Plan;
  readonly victim: Victim;
  readonly step: Step;
  readonly way: Way;
  /** Where the agent dies: at which step its next start dies as well, before it is started a third time. */
  readonly atStart: Step | undefined;
}

export function formatDeath({ plan, victim, step, way, atStart }: Death): string {
  const twice = atStart === undefined ? '' : `, and as it starts again at ${formatStep(atStart)}`;
  return `${plan.scenario.name}: the ${victim} dies at ${formatStep(step)}${twice}; then ${way.name}`;
}

const NO_TRACE: Trace = { ended: new Promise(() => undefined), stop: async () => undefined };

function startTrace(site: KillSite, { victim, step }: Death): Promise<Trace> | Trace {
  if (victim === 'shim') return NO_TRACE;
  return killAt(victim === 'agent' ? site.agent() : site.etcd(), step);
}

/** The calls, with the death in their midst. */
async function callAndDie(site: KillSite, death: Death): Promise<void> {
  const { victim, step, plan } = death;
  const { etcd } = site.host;
  const trace = await startTrace(site, death);
  const answered = site.attempt(plan.scenario.calls, victim === 'shim' ? printTracer(step) : '');
  await Promise.race([trace.ended, answered]);
  if (victim === 'etcd') {
    await etcd.kill();
    await etcd.start();
  }
  await answered;
  await trace.stop();
  if (victim === 'agent') site.killAgent(); // where it has not come to its step
}

/** An agent that has passed the step by then dies when it has kept house once. */
async function dieAtStart(site: KillSite, step: Step): Promise<void> {
  try {
    await site.host.startAgent(printTracer(step));
    await Bun.sleep(HOUSEKEEPING_MS);
  } catch {
    // as it should
  }
  site.killAgent();
}

async function revive(site: KillSite, { victim, plan, atStart }: Death): Promise<void> {
  if (plan.scenario.isStoreAway) await site.host.etcd.start();
  if (victim !== 'agent') return;
  if (atStart !== undefined) await dieAtStart(site, atStart);
  await site.host.startAgent();
}

/** Lines of `a` that `b` has not, or not as often. */
function missingIn(b: readonly string[], a: readonly string[]): readonly string[] {
  const left = new Map<string, number>();
  for (const line of b) left.set(line, (left.get(line) ?? 0) + 1);
  return a.filter((line) => {
    const count = left.get(line) ?? 0;
    left.set(line, count - 1);
    return count <= 0;
  });
}

/** What differs from the nearest of what is wanted. */
function difference(found: readonly string[], wanted: readonly (readonly string[])[]): readonly string[] {
  const differences = wanted.map((one) => [
    ...missingIn(one, found).map((line) => `+ ${line}`),
    ...missingIn(found, one).map((line) => `- ${line}`),
  ]);
  return differences.sort((a, b) => a.length - b.length)[0] ?? [];
}

/** What the host holds too much or lacks in the end; nothing when all is well. `base`: what it held before. Throws what a call answers. */
export async function runDeath(site: KillSite, base: readonly string[], death: Death): Promise<readonly string[]> {
  const { scenario, references } = death.plan;
  site.must(scenario.before);
  if (scenario.isStoreAway) await site.host.etcd.kill();
  await callAndDie(site, death);
  await revive(site, death);
  site.must(death.way.calls);
  const wanted = death.way.leaves.map((state) => references[state]);
  const then = difference(await observeUntil(site, wanted), wanted);
  if (then.length > 0) return then;
  site.must(scenario.end);
  return difference(await observeUntil(site, [base]), [base]).map((line) => `at the end ${line}`);
}
