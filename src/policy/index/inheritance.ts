// Labels that endpoints inherit from their profiles, kept once for each distinct list of profiles (Calico v3.33,
// felix/labelindex/label_inheritance_index.go).

import { UNKNOWN_PROFILE } from '../types/input.ts';
import { mergeLabels, NO_LABELS, type PackedLabels, samePacked } from './labels.ts';
import { addToSmallSet, removeFromSmallSet, type SmallSet, smallSetItems } from './small-set.ts';

interface Inherited {
  /** The profiles' labels in list order, the first to name a label wins. */
  readonly labels: PackedLabels;
  /** Whether there may be more: from the first profile on whose labels are not known, nothing is certain. */
  readonly open: boolean;
}

/** What one list of profiles hands down, and to whom. */
export interface Heritage<I extends object> extends Inherited {
  readonly profiles: readonly string[];
  labels: PackedLabels;
  open: boolean;
  heirs: SmallSet<I>;
}

export interface Inheritance<I extends object> {
  /** Makes an item an heir of a list of profiles. */
  join(profiles: readonly string[], create: (heritage: Heritage<I>) => I): I;
  leave(heritage: Heritage<I>, item: I): void;
  /**
   * Sets the labels that a profile applies (none when it is gone, undefined when they are not known). `before` runs for
   * every heir of a list whose labels
   * change while it still has the old ones, `after` once it has the new ones.
   */
  setLabels(
    profile: string,
    labels: PackedLabels | undefined,
    before: (heir: I) => void,
    after: (heir: I) => void,
  ): void;
}

/** Different for none and for one without a name, too. */
function keyOf(profiles: readonly string[]): string {
  return profiles.map((name) => `${name}\n`).join('');
}

export function createInheritance<I extends object>(): Inheritance<I> {
  /** Undefined for labels that are not known. */
  const applied = new Map<string, PackedLabels | undefined>([[UNKNOWN_PROFILE, undefined]]);
  const heritages = new Map<string, Heritage<I>>();
  const byProfile = new Map<string, SmallSet<Heritage<I>>>();

  function inherit(profiles: readonly string[]): Inherited {
    let labels = NO_LABELS;
    for (const name of profiles) {
      const more = applied.has(name) ? applied.get(name) : NO_LABELS;
      if (more === undefined) return { labels, open: true };
      labels = labels.length === 0 ? more : mergeLabels(labels, more);
    }
    return { labels, open: false };
  }

  function open(profiles: readonly string[]): Heritage<I> {
    const key = keyOf(profiles);
    const known = heritages.get(key);
    if (known !== undefined) return known;
    const heritage: Heritage<I> = { profiles, ...inherit(profiles), heirs: undefined };
    heritages.set(key, heritage);
    for (const name of profiles) byProfile.set(name, addToSmallSet(byProfile.get(name), heritage));
    return heritage;
  }

  function close(heritage: Heritage<I>): void {
    heritages.delete(keyOf(heritage.profiles));
    for (const name of heritage.profiles) {
      const rest = removeFromSmallSet(byProfile.get(name), heritage);
      if (rest === undefined) byProfile.delete(name);
      else byProfile.set(name, rest);
    }
  }

  return {
    join(profiles, create) {
      const heritage = open(profiles);
      const item = create(heritage);
      heritage.heirs = addToSmallSet(heritage.heirs, item);
      return item;
    },
    leave(heritage, item) {
      heritage.heirs = removeFromSmallSet(heritage.heirs, item);
      if (heritage.heirs === undefined) close(heritage);
    },
    setLabels(profile, labels, before, after) {
      if (labels?.length === 0) applied.delete(profile);
      else applied.set(profile, labels);
      for (const heritage of smallSetItems(byProfile.get(profile))) {
        const { labels: next, open } = inherit(heritage.profiles);
        if (heritage.open === open && samePacked(heritage.labels, next)) continue;
        const heirs = smallSetItems(heritage.heirs);
        heirs.forEach(before);
        heritage.labels = next;
        heritage.open = open;
        heirs.forEach(after);
      }
    },
  };
}
