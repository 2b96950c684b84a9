// Members that several sources may contribute: counted, with what came and went since the last look.

export interface Tally<K> {
  readonly counts: Map<K, number>;
  /** Whether changes are of interest: not before the whole content has been looked at once. */
  recording: boolean;
  /** Keys touched since the last look, and whether they were members then. */
  touched: Map<K, boolean> | undefined;
}

export function createTally<K>(): Tally<K> {
  return { counts: new Map(), recording: false, touched: undefined };
}

function touch<K>(tally: Tally<K>, key: K, wasMember: boolean): void {
  if (!tally.recording) return;
  tally.touched ??= new Map();
  if (!tally.touched.has(key)) tally.touched.set(key, wasMember);
}

export function increase<K>(tally: Tally<K>, key: K): void {
  const count = tally.counts.get(key) ?? 0;
  if (count === 0) touch(tally, key, false);
  tally.counts.set(key, count + 1);
}

/** The key must be a member. */
export function decrease<K>(tally: Tally<K>, key: K): void {
  const count = tally.counts.get(key) ?? 0;
  if (count > 1) tally.counts.set(key, count - 1);
  else {
    touch(tally, key, true);
    tally.counts.delete(key);
  }
}

/** All members. Changes are recorded from now on. */
export function takeAll<K>(tally: Tally<K>): readonly K[] {
  tally.recording = true;
  tally.touched = undefined;
  return [...tally.counts.keys()];
}

export interface TallyChange<K> {
  readonly added: readonly K[];
  readonly removed: readonly K[];
}

/** What changed since the last look. Changes are recorded from now on. */
export function takeChanges<K>(tally: Tally<K>): TallyChange<K> {
  const added: K[] = [];
  const removed: K[] = [];
  for (const [key, wasMember] of tally.touched ?? []) {
    if (tally.counts.has(key) === wasMember) continue;
    (wasMember ? removed : added).push(key);
  }
  tally.recording = true;
  tally.touched = undefined;
  return { added, removed };
}
