// Labels that endpoints inherit from their profiles, kept once for each distinct list of profiles (Calico v3.33,
// felix/labelindex/label_inheritance_index.go).

import { UNKNOWN_PROFILE } from '../types/input.ts';
import { mergeLabels, NO_LABELS, type PackedLabels, samePacked } from './labels.ts';
import { addToSmallSet, removeFromSmallSet, type SmallSet, smallSetItems } from './small-set.ts';

interface ProfileLabels {
  /** The profiles' labels in list order, the first to name a label wins. */
  readonly labels: PackedLabels;
  /** Whether there may be more: from the first profile on whose labels are not known, nothing is certain. */
  readonly open: boolean;
}

/** What the items with one list of profiles inherit, and which these are. */
export interface InheritedLabels<I extends object> extends ProfileLabels {
  readonly profiles: readonly string[];
  labels: PackedLabels;
  open: boolean;
  inheritors: SmallSet<I>;
}

export interface Inheritance<I extends object> {
  /** Makes an item an inheritor of a list of profiles. */
  join(profiles: readonly string[], create: (inherited: InheritedLabels<I>) => I): I;
  leave(inherited: InheritedLabels<I>, item: I): void;
  /**
   * Sets the labels that a profile applies (none when it is gone, undefined when they are not known). `before` runs for
   * every inheritor of a list whose labels change while it still has the old ones, `after` once it has the new ones.
   */
  setLabels(
    profile: string,
    labels: PackedLabels | undefined,
    before: (inheritor: I) => void,
    after: (inheritor: I) => void,
  ): void;
}

/** Different for none and for one without a name, too. */
function keyOf(profiles: readonly string[]): string {
  return profiles.map((name) => `${name}\n`).join('');
}

export function createInheritance<I extends object>(): Inheritance<I> {
  /** Undefined for labels that are not known. */
  const applied = new Map<string, PackedLabels | undefined>([[UNKNOWN_PROFILE, undefined]]);
  const byList = new Map<string, InheritedLabels<I>>();
  const byProfile = new Map<string, SmallSet<InheritedLabels<I>>>();

  function inherit(profiles: readonly string[]): ProfileLabels {
    let labels = NO_LABELS;
    for (const name of profiles) {
      const more = applied.has(name) ? applied.get(name) : NO_LABELS;
      if (more === undefined) return { labels, open: true };
      labels = labels.length === 0 ? more : mergeLabels(labels, more);
    }
    return { labels, open: false };
  }

  function open(profiles: readonly string[]): InheritedLabels<I> {
    const key = keyOf(profiles);
    const known = byList.get(key);
    if (known !== undefined) return known;
    const inherited: InheritedLabels<I> = { profiles, ...inherit(profiles), inheritors: undefined };
    byList.set(key, inherited);
    for (const name of profiles) byProfile.set(name, addToSmallSet(byProfile.get(name), inherited));
    return inherited;
  }

  function close(inherited: InheritedLabels<I>): void {
    byList.delete(keyOf(inherited.profiles));
    for (const name of inherited.profiles) {
      const rest = removeFromSmallSet(byProfile.get(name), inherited);
      if (rest === undefined) byProfile.delete(name);
      else byProfile.set(name, rest);
    }
  }

  return {
    join(profiles, create) {
      const inherited = open(profiles);
      const item = create(inherited);
      inherited.inheritors = addToSmallSet(inherited.inheritors, item);
      return item;
    },
    leave(inherited, item) {
      inherited.inheritors = removeFromSmallSet(inherited.inheritors, item);
      if (inherited.inheritors === undefined) close(inherited);
    },
    setLabels(profile, labels, before, after) {
      if (labels?.length === 0) applied.delete(profile);
      else applied.set(profile, labels);
      for (const inherited of smallSetItems(byProfile.get(profile))) {
        const { labels: next, open } = inherit(inherited.profiles);
        if (inherited.open === open && samePacked(inherited.labels, next)) continue;
        const inheritors = smallSetItems(inherited.inheritors);
        inheritors.forEach(before);
        inherited.labels = next;
        inherited.open = open;
        inheritors.forEach(after);
      }
    },
  };
}
