// Runs one workload in a process of its own: NAME and SIZE; prints the seconds that it took and the heap that is live after it.
import { heapStats } from 'bun:jsc';
import { createPolicyCalculation, type PolicyCalculation } from '../../src/policy/calculation/calculation.ts';
import type { PolicyUpdate } from '../../src/policy/types/input.ts';
import { makeCustomers } from './calc-customers.ts';
import { makeNetworkSets, makeTags } from './calc-snapshots.ts';
import { makeParentUpdates, makeSelectorUpdates, makeWorkloadUpdates } from './calc-steps.ts';
import type { SnapshotWorkload, StepWorkload } from './calc-workload.ts';

export interface CalcFigures {
  /** Of the whole snapshot, or of one update. */
  readonly seconds: number;
  /** Objects and what they hold outside the heap, after a collection. */
  readonly heapMb: number;
  /** Changes that were handed out. */
  readonly changes: number;
}

const LOCAL_ONLY = 10_000;

/** By the first word of the line's name; `size` is the number in it. */
const SNAPSHOTS: Readonly<Record<string, (size: number) => SnapshotWorkload>> = {
  tags: (size) => makeTags(size, size / 25),
  netsets: (size) => makeNetworkSets(LOCAL_ONLY, size),
  customers: makeCustomers,
};

const STEPS: Readonly<Record<string, (size: number) => StepWorkload>> = {
  'workload-update': (size) => makeWorkloadUpdates(size, 100_000),
  'parent-update': (size) => makeParentUpdates(size, 100_000),
  'selector-update': (size) => makeSelectorUpdates(size, Math.max(100, 1_000_000 / size)),
};

function feed(calculation: PolicyCalculation, updates: readonly PolicyUpdate[]): void {
  for (const update of updates) calculation.update(update);
}

/** The workload is garbage once it has been fed, as it is in the agent. */
function runSnapshot(calculation: PolicyCalculation, workload: SnapshotWorkload): Omit<CalcFigures, 'heapMb'> {
  Bun.gc(true);
  const start = performance.now();
  feed(calculation, workload.updates);
  calculation.update({ kind: 'in-sync' });
  const first = calculation.flush().length;
  feed(calculation, workload.deletions);
  const changes = first + calculation.flush().length;
  return { seconds: (performance.now() - start) / 1000, changes };
}

function runSteps(calculation: PolicyCalculation, workload: StepWorkload): Omit<CalcFigures, 'heapMb'> {
  feed(calculation, workload.before);
  calculation.update({ kind: 'in-sync' });
  calculation.flush();
  Bun.gc(true);
  const start = performance.now();
  let changes = 0;
  for (const step of workload.steps) {
    calculation.update(step);
    changes += calculation.flush().length;
  }
  return { seconds: (performance.now() - start) / 1000 / workload.steps.length, changes };
}

function run(
  calculation: PolicyCalculation,
  kind: string,
  size: number,
  deletes: boolean,
): Omit<CalcFigures, 'heapMb'> {
  const snapshot = SNAPSHOTS[kind]?.(size);
  if (snapshot !== undefined) return runSnapshot(calculation, deletes ? snapshot : { ...snapshot, deletions: [] });
  const steps = STEPS[kind]?.(size);
  if (steps !== undefined) return runSteps(calculation, steps);
  throw new Error(`no workload "${kind}"`);
}

const [kind = '', size = '', deletes = ''] = process.argv.slice(2);
const calculation = createPolicyCalculation();
const figures = run(calculation, kind, Number(size), deletes === 'delete');
await Bun.sleep(100); // the collector takes what still lies on the stack for live: the workload must have left it
Bun.gc(true);
console.log(JSON.stringify({ ...figures, heapMb: heapStats().heapSize / 2 ** 20 }));
calculation.flush();
