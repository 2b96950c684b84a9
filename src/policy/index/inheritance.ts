// Labels that endpoints inherit from their profiles, kept once for each distinct list of profiles (Calico v3.33,
// felix/labelindex/label_inheritance_index.go).

import { UNKNOWN_PROFILE } from '../types/input.ts';
import { type InternNames, mergeLabels, NO_LABELS, type PackedLabels, samePacked } from './labels.ts';
import { addToSmallSet, removeFromSmallSet, type SmallSet, smallSetItems } from './small-set.ts';
import { createStringMap, deleteString, getString, setString } from './string-map.ts';

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

/** A profile that applies labels, or that some list names. */
interface Profile<I extends object> {
  /** None when it is not there; undefined when they are not known. */
  labels: PackedLabels | undefined;
  /** The list of this profile alone, and the longer ones: most items have one profile, and need no text to find its list by. */
  alone: InheritedLabels<I> | undefined;
  longer: SmallSet<InheritedLabels<I>>;
}

/** Different for none and for one without a name, too. */
function keyOf(profiles: readonly string[]): string {
  return profiles.map((name) => `${name}\n`).join('');
}

export function createInheritance<I extends object>(intern: InternNames): Inheritance<I> {
  const byProfile = createStringMap<Profile<I>>();
  const byList = createStringMap<InheritedLabels<I>>();
  profileOf(UNKNOWN_PROFILE).labels = undefined;

  function profileOf(name: string): Profile<I> {
    const known = getString(byProfile, name);
    if (known !== undefined) return known;
    const profile: Profile<I> = { labels: NO_LABELS, alone: undefined, longer: undefined };
    setString(byProfile, name, profile);
    return profile;
  }

  function dropIfUnused(name: string, { labels, alone, longer }: Profile<I>): void {
    if (labels === NO_LABELS && alone === undefined && longer === undefined) deleteString(byProfile, name);
  }

  function inherit(profiles: readonly string[]): ProfileLabels {
    let labels = NO_LABELS;
    for (const name of profiles) {
      const more = profileOf(name).labels;
      if (more === undefined) return { labels, open: true };
      labels = mergeLabels(labels, more, intern);
    }
    return { labels, open: false };
  }

  function createList(profiles: readonly string[]): InheritedLabels<I> {
    const { labels, open } = inherit(profiles);
    return { profiles, labels, open, inheritors: undefined };
  }

  function openAlone(profile: Profile<I>, profiles: readonly string[]): InheritedLabels<I> {
    profile.alone ??= createList(profiles);
    return profile.alone;
  }

  function open(profiles: readonly string[]): InheritedLabels<I> {
    const [only] = profiles;
    if (only !== undefined && profiles.length === 1) return openAlone(profileOf(only), profiles);
    const key = keyOf(profiles);
    const known = getString(byList, key);
    if (known !== undefined) return known;
    const inherited = createList(profiles);
    setString(byList, key, inherited);
    for (const profile of profiles.map(profileOf)) profile.longer = addToSmallSet(profile.longer, inherited);
    return inherited;
  }

  function close(inherited: InheritedLabels<I>): void {
    const { profiles } = inherited;
    if (profiles.length !== 1) deleteString(byList, keyOf(profiles));
    for (const name of profiles) {
      const profile = profileOf(name);
      if (profiles.length === 1) profile.alone = undefined;
      else profile.longer = removeFromSmallSet(profile.longer, inherited);
      dropIfUnused(name, profile);
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
    setLabels(name, labels, before, after) {
      const profile = profileOf(name);
      profile.labels = labels?.names.length === 0 ? NO_LABELS : labels;
      const lists = smallSetItems(profile.longer);
      for (const inherited of profile.alone === undefined ? lists : [profile.alone, ...lists]) {
        const { labels: next, open } = inherit(inherited.profiles);
        if (inherited.open === open && samePacked(inherited.labels, next)) continue;
        const inheritors = smallSetItems(inherited.inheritors);
        inheritors.forEach(before);
        inherited.labels = next;
        inherited.open = open;
        inheritors.forEach(after);
      }
      dropIfUnused(name, profile);
    },
  };
}
