// Which deaths are tried, and in which order.
import fc from 'fast-check';
import type { Others, Plan, Victim } from './plan.ts';
import type { Death } from './run.ts';
import type { Step } from './steps.ts';

/** All that can be drawn from. `start`: steps of the agent's start. */
interface Lots {
  readonly plans: readonly Plan[];
  readonly others: Others;
  readonly start: readonly Step[];
}

const VICTIMS: readonly Victim[] = ['agent', 'shim', 'etcd'];

function stepsOf({ others }: Lots, plan: Plan, victim: Victim): readonly Step[] {
  if (victim === 'agent') return plan.steps;
  return plan.scenario.isStoreAway ? [] : others[victim];
}

/** One of each list, then the second ones, and so on. */
function interleave<T>(lists: readonly (readonly T[])[]): readonly T[] {
  const longest = Math.max(...lists.map((list) => list.length));
  return Array.from({ length: longest }, (_, place) => lists.flatMap((list) => list.slice(place, place + 1))).flat();
}

/** Every step once, in an order of chance in which the scenarios take turns; the rest of a death is chance as well. */
export function drawDeaths(lots: Lots, seed: number, count: number): readonly Death[] {
  const parameters = (numRuns: number) => ({ seed, numRuns });
  const lists = lots.plans.map((plan) => {
    const all = VICTIMS.flatMap((victim) => stepsOf(lots, plan, victim).map((step) => ({ plan, victim, step })));
    return fc.sample(fc.shuffledSubarray(all, { minLength: all.length }), parameters(1))[0] ?? [];
  });
  const drawn = interleave(lists).slice(0, count);
  const chances = fc.sample(fc.tuple(fc.nat(), fc.nat(), fc.boolean()), parameters(drawn.length));
  return drawn.flatMap((one, turn) => {
    const [first = 0, second = 0, isTwice = false] = chances[turn] ?? [];
    const { ways } = one.plan.scenario;
    const way = ways[first % ways.length];
    const atStart = isTwice && one.victim === 'agent' ? lots.start[second % lots.start.length] : undefined;
    return way === undefined ? [] : [{ ...one, way, atStart }];
  });
}
