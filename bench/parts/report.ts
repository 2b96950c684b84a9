// The one line that a benchmark prints, and the figures in it.

export interface Measurement {
  readonly bench: string;
  readonly ours: number;
  /** Absent when the other program is not on this machine; the line then says so in peer_name. */
  readonly peer: number | undefined;
  readonly peerName: string;
  readonly unit: string;
  /** Further figures of our side, such as `mb`. */
  readonly more?: Readonly<Record<string, number | string>>;
}

/** Four digits. */
export function round(value: number): number {
  return Number(value.toPrecision(4));
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? upper) + upper) / 2;
}

/** Prints one line of JSON: ratio is ours / peer, null without a peer. */
export function report(m: Measurement): void {
  const line = {
    bench: m.bench,
    ours: round(m.ours),
    peer: m.peer === undefined ? null : round(m.peer),
    peer_name: m.peer === undefined ? `${m.peerName} (left out: not on this machine)` : m.peerName,
    unit: m.unit,
    ratio: m.peer === undefined ? null : round(m.ours / m.peer),
    ...m.more,
  };
  console.log(JSON.stringify(line));
}
