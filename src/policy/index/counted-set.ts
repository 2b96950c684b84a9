// A reference-counted set: members that several sources may contribute, with what came and went since the last look.

export interface CountedSet<K> {
  readonly members: Set<K>;
  /** By how many more than one a member is contributed; most are by one. */
  more: Map<K, number> | undefined;
  /** Whether changes are of interest: not before the whole content has been looked at once. */
  recording: boolean;
  /** Keys touched since the last look, and whether they were members then. */
  touched: Map<K, boolean> | undefined;
}

export function createCountedSet<K>(): CountedSet<K> {
  return { members: new Set(), more: undefined, recording: false, touched: undefined };
}

function touch<K>(set: CountedSet<K>, key: K, wasMember: boolean): void {
  if (!set.recording) return;
  set.touched ??= new Map();
  if (!set.touched.has(key)) set.touched.set(key, wasMember);
}

export function retain<K>(set: CountedSet<K>, key: K): void {
  const before = set.members.size;
  if (set.members.add(key).size > before) {
    touch(set, key, false);
    return;
  }
  set.more ??= new Map();
  set.more.set(key, (set.more.get(key) ?? 0) + 1);
}

/** The key must be a member. */
export function release<K>(set: CountedSet<K>, key: K): void {
  const more = set.more?.get(key) ?? 0;
  if (more > 1) set.more?.set(key, more - 1);
  else if (more === 1) set.more?.delete(key);
  else {
    touch(set, key, true);
    set.members.delete(key);
  }
}

/** All members. Changes are recorded from now on. */
export function takeAll<K>(set: CountedSet<K>): readonly K[] {
  set.recording = true;
  set.touched = undefined;
  return [...set.members];
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
    if (set.members.has(key) === wasMember) continue;
    (wasMember ? removed : added).push(key);
  }
  set.recording = true;
  set.touched = undefined;
  return { added, removed };
}
