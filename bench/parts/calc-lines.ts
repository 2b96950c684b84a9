// The lines of the calculation's benchmark: what we run, Felix's benchmark of the same work, and what that once gave on a machine
// with 2 cores (Calico's source of 2026-08-22, Go 1.26), for machines where it is not.

/** Of the whole snapshot, or of one update; the heap is of snapshots alone. */
export interface PeerFigures {
  readonly seconds: number;
  readonly heapMb: number | undefined;
}

export interface CalcLine {
  readonly name: string;
  /** The workload of calc-inside.ts, and its size. */
  readonly kind: string;
  readonly size: number;
  readonly deletes: boolean;
  readonly peerProgram: 'felix-calc.test' | 'felix-labelindex.test';
  /** Behind `Benchmark`. */
  readonly peerBenchmark: string;
  readonly recorded: PeerFigures;
}

type Head = readonly [name: string, kind: string, size: number];

function snapshot(head: Head, peerBenchmark: string, seconds: number, heapMb: number): CalcLine {
  const [name, kind, size] = head;
  const recorded = { seconds, heapMb };
  const deletes = name.endsWith('-then-delete');
  return { name, kind, size, deletes, peerProgram: 'felix-calc.test', peerBenchmark, recorded };
}

function step(kind: string, size: number, peerBenchmark: string, microseconds: number): CalcLine {
  const recorded = { seconds: microseconds / 1e6, heapMb: undefined };
  const name = `${kind}-${size}`;
  return { name, kind, size, deletes: false, peerProgram: 'felix-labelindex.test', peerBenchmark, recorded };
}

/** With the deletions Felix takes as long as without. */
const SNAPSHOTS: readonly CalcLine[] = [
  snapshot(['tags-250k', 'tags', 250_000], 'Snapshot200Local250kTotal10000TagPols', 9.8, 283),
  snapshot(
    ['tags-250k-then-delete', 'tags', 250_000],
    'SnapshotThenDeleteLocal200Local250kTotal10000TagPols',
    9.8,
    283,
  ),
  snapshot(['netsets-1k', 'netsets', 1_000], 'Snapshot200Local10kTotal1000NetsetPols', 1.13, 98),
  snapshot(
    ['netsets-1k-then-delete', 'netsets', 1_000],
    'SnapshotThenDeleteLocal200Local10kTotal1000NetsetPols',
    1.13,
    98,
  ),
  snapshot(['netsets-10k', 'netsets', 10_000], 'Snapshot200Local10kTotal10000NetsetPols', 19.7, 792),
  snapshot(
    ['netsets-10k-then-delete', 'netsets', 10_000],
    'SnapshotThenDeleteLocal200Local10kTotal10000NetsetPols',
    19.7,
    792,
  ),
  snapshot(['customers-1k', 'customers', 1_000], 'IsolatedCustomers1k', 0.06, 11),
  snapshot(['customers-10k', 'customers', 10_000], 'IsolatedCustomers10k', 0.6, 39),
  snapshot(['customers-100k', 'customers', 100_000], 'IsolatedCustomers100k', 12.6, 314),
];

const STEPS: readonly CalcLine[] = [
  step('workload-update', 10, 'WorkloadUpdate10Sels', 9.7),
  step('workload-update', 100, 'WorkloadUpdate100Sels', 25),
  step('workload-update', 1_000, 'WorkloadUpdate1000Sels', 277),
  step('workload-update', 10_000, 'WorkloadUpdate10000Sels', 10_400),
  step('parent-update', 100, 'ParentUpdates100', 9.6),
  step('parent-update', 1_000, 'ParentUpdates1000', 9.6),
  step('parent-update', 10_000, 'ParentUpdates10000', 9.6),
  step('parent-update', 100_000, 'ParentUpdates100000', 9.6),
  step('selector-update', 100, 'SelectorUpdates100', 15),
  step('selector-update', 1_000, 'SelectorUpdates1000', 90),
  step('selector-update', 10_000, 'SelectorUpdates10000', 1_700),
  step('selector-update', 100_000, 'SelectorUpdates100000', 19_800),
];

export const CALC_LINES: readonly CalcLine[] = [...SNAPSHOTS, ...STEPS];
