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

/** Alone, and with deletions behind it, with which Felix takes as long as without. */
function snapshots(
  name: string,
  [kind, size]: readonly [kind: string, size: number],
  policies: string,
  recorded: PeerFigures,
): readonly CalcLine[] {
  const line = { kind, size, peerProgram: 'felix-calc.test', recorded } as const;
  return [
    { ...line, name, deletes: false, peerBenchmark: `Snapshot200Local${policies}` },
    {
      ...line,
      name: `${name}-then-delete`,
      deletes: true,
      peerBenchmark: `SnapshotThenDeleteLocal200Local${policies}`,
    },
  ];
}

function customers(label: string, size: number, recorded: PeerFigures): CalcLine {
  const peerBenchmark = `IsolatedCustomers${label}`;
  const line = { kind: 'customers', size, deletes: false, peerProgram: 'felix-calc.test', recorded } as const;
  return { ...line, name: `customers-${label}`, peerBenchmark };
}

function step(kind: string, size: number, peerBenchmark: string, microseconds: number): CalcLine {
  const recorded = { seconds: microseconds / 1e6, heapMb: undefined };
  const name = `${kind}-${size}`;
  return { name, kind, size, deletes: false, peerProgram: 'felix-labelindex.test', peerBenchmark, recorded };
}

const SNAPSHOTS: readonly CalcLine[] = [
  ...snapshots('tags-250k', ['tags', 250_000], '250kTotal10000TagPols', { seconds: 9.8, heapMb: 283 }),
  ...snapshots('netsets-1k', ['netsets', 1_000], '10kTotal1000NetsetPols', { seconds: 1.13, heapMb: 98 }),
  ...snapshots('netsets-10k', ['netsets', 10_000], '10kTotal10000NetsetPols', { seconds: 19.7, heapMb: 792 }),
  customers('1k', 1_000, { seconds: 0.06, heapMb: 11 }),
  customers('10k', 10_000, { seconds: 0.6, heapMb: 39 }),
  customers('100k', 100_000, { seconds: 12.6, heapMb: 314 }),
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
