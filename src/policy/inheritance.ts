// Labels that endpoints inherit from their profiles, kept once for each distinct list of profiles (facts: calico §5.5).
import { addToBag, type Bag, bagItems, removeFromBag } from './bag.ts';
import { mergeLabels, NO_LABELS, type PackedLabels, samePacked } from './labels.ts';

/** What one list of profiles hands down, and to whom. */
export interface Heritage<I extends object> {
  readonly profiles: readonly string[];
  /** The profiles' labels in list order, the first to name a label wins. */
  labels: PackedLabels;
  heirs: Bag<I>;
}

export interface Inheritance<I extends object> {
  /** Makes an item an heir of a list of profiles. */
  join(profiles: readonly string[], create: (heritage: Heritage<I>) => I): I;
  leave(heritage: Heritage<I>, item: I): void;
  /**
   * Sets the labels that a profile applies (none when it is gone). `before` runs for every heir of a list whose labels
   * change while it still has the old ones, `after` once it has the new ones.
   */
  setLabels(profile: string, labels: PackedLabels, before: (heir: I) => void, after: (heir: I) => void): void;
}

function keyOf(profiles: readonly string[]): string {
  return profiles.join('\n');
}

export function createInheritance<I extends object>(): Inheritance<I> {
  const applied = new Map<string, PackedLabels>();
  const heritages = new Map<string, Heritage<I>>();
  const byProfile = new Map<string, Bag<Heritage<I>>>();

  function computeLabels(profiles: readonly string[]): PackedLabels {
    if (profiles.length === 1) return applied.get(profiles[0] ?? '') ?? NO_LABELS;
    return profiles.reduce((labels, name) => mergeLabels(labels, applied.get(name) ?? NO_LABELS), NO_LABELS);
  }

  function open(profiles: readonly string[]): Heritage<I> {
    const key = keyOf(profiles);
    const known = heritages.get(key);
    if (known !== undefined) return known;
    const heritage: Heritage<I> = { profiles, labels: computeLabels(profiles), heirs: undefined };
    heritages.set(key, heritage);
    for (const name of profiles) byProfile.set(name, addToBag(byProfile.get(name), heritage));
    return heritage;
  }

  function close(heritage: Heritage<I>): void {
    heritages.delete(keyOf(heritage.profiles));
    for (const name of heritage.profiles) {
      const rest = removeFromBag(byProfile.get(name), heritage);
      if (rest === undefined) byProfile.delete(name);
      else byProfile.set(name, rest);
    }
  }

  return {
    join(profiles, create) {
      const heritage = open(profiles);
      const item = create(heritage);
      heritage.heirs = addToBag(heritage.heirs, item);
      return item;
    },
    leave(heritage, item) {
      heritage.heirs = removeFromBag(heritage.heirs, item);
      if (heritage.heirs === undefined) close(heritage);
    },
    setLabels(profile, labels, before, after) {
      if (labels.length === 0) applied.delete(profile);
      else applied.set(profile, labels);
      for (const heritage of bagItems(byProfile.get(profile))) {
        const next = computeLabels(heritage.profiles);
        if (samePacked(heritage.labels, next)) continue;
        const heirs = bagItems(heritage.heirs);
        heirs.forEach(before);
        heritage.labels = next;
        heirs.forEach(after);
      }
    },
  };
}
