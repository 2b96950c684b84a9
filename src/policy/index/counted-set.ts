// A reference-counted set: members that several sources may contribute, with what came and went since the last look.

export interface CountedSet<K> {
  readonly counts: Map<K, number>;
  /** Whether changes are of interest: not before the whole content has been looked at once. */
  recording: boolean;
  /** Keys touched since the last look, and whether they were members then. */
  touched: Map<K, boolean> | undefined;
}

export function createCountedSet<K>(): CountedSet<K> {
  return { counts: new Map(), recording: false, touched: undefined };
}

function touch<K>(set: CountedSet<K>, key: K, wasMember: boolean): void {
  if (!set.recording) return;
  set.touched ??= new Map();
  if (!set.touched.has(key)) set.touched.set(key, wasMember);
}

export function retain<K>(set: CountedSet<K>, key: K): void {
  const count = set.counts.get(key) ?? 0;
  if (count === 0) touch(set, key, false);
  set.counts.set(key, count + 1);
}

/** The key must be a member. */
export function release<K>(set: CountedSet<K>, key: K): void {
  const count = set.counts.get(key) ?? 0;
  if (count > 1) set.counts.set(key, count - 1);
  else {
    touch(set, key, true);
    set.counts.delete(key);
  }
}

/** All members. Changes are recorded from now on. */
export function takeAll<K>(set: CountedSet<K>): readonly K[] {
  set.recording = true;
  set.touched = undefined;
  return [...set.counts.keys()];
}

export interface SetDelta<K> {
  readonly added: readonly K[];
  readonly removed: readonly K[];
}

/** What changed since the last look. Changes are recorded from now on. */
export function takeChanges<K>(set: CountedSet<K>): SetDelta<K> {
  const added: K[] = [];
  const removed: K[] = [];
  for (const [key, wasMember] of set.touched ?? []) {
    if (set.counts.has(key) === wasMember) continue;
    (wasMember ? removed : added).push(key);
  }
  set.recording = true;
  set.touched = undefined;
  return { added, removed };
}
