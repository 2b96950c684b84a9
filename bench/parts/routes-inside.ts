// Programs the ways to HOSTS hosts with BLOCKS blocks each into the network namespace that it runs in, which is empty, as an agent
// does that knows the cluster, in a process of its own; prints how long that took, and what it left in memory. Then one
// host leaves and comes back, and all is compared with the kernel.
import { heapStats } from 'bun:jsc';
import { computeChangedPaths, computeClusterPaths } from '../../src/agent/tunnel/cluster-paths.ts';
import { openPaths, type PathOutcome } from '../../src/kernel/reconcile/paths.ts';
import { residentMb } from './process-figures.ts';
import { median } from './report.ts';
import { sayCluster, sayHost } from './routes-workload.ts';

export interface RoutesFigures {
  /** From what nodes and blocks say to the last route in the kernel. */
  readonly ms: number;
  /** What came to the process by it, and objects that are left of it. */
  readonly grownMb: number;
  readonly heapMb: number;
  /** One host of all leaves, or comes. */
  readonly oneHostMs: number;
  /** All is read and compared. */
  readonly lookMs: number;
  readonly failures: number;
}

const [hosts = 0, blocks = 0] = process.argv.slice(2).map(Number);
const size = { hosts, blocks };
const failures: string[] = [];
/** Kinds of tunnels that the kernel does not make. */
const UNMADE = new Set<string>();

function timeMs(work: () => PathOutcome): number {
  const from = performance.now();
  const outcome = work();
  const ms = performance.now() - from;
  failures.push(...outcome.failures.map(({ message }) => message));
  return ms;
}

const calculation = sayCluster(size);
Bun.gc(true);
const before = residentMb(process.pid);
const paths = openPaths();
const ms = timeMs(() => {
  calculation.settle();
  return paths.reconcile(computeClusterPaths(calculation.routes, UNMADE));
});
const grownMb = residentMb(process.pid) - before;
Bun.gc(true);
const { heapSize, extraMemorySize } = heapStats();

const oneHost = Array.from({ length: 20 }, (_, turn) => {
  sayHost(calculation, size, hosts >> 1, turn % 2 === 1);
  return timeMs(() => {
    const changed = computeChangedPaths(calculation.routes, calculation.settle(), UNMADE);
    return paths.change(changed.before, changed.after);
  });
});
const lookMs = timeMs(() => paths.reconcile(computeClusterPaths(calculation.routes, UNMADE)));
const heapMb = (heapSize + extraMemorySize) / 2 ** 20;
const figures: RoutesFigures = { ms, grownMb, heapMb, oneHostMs: median(oneHost), lookMs, failures: failures.length };
console.log(JSON.stringify(figures));
