// Labels in a snapshot, for the verdict: what an endpoint or network set has, and which selectors it satisfies.
import type { Truth } from '../../base/truth.ts';
import { matchSelector, tryMatchSelector } from '../../selector/match.ts';
import type { Selector } from '../../selector/selector.ts';
import { type LabelMap, UNKNOWN_PROFILE } from '../types/input.ts';
import type { PolicySnapshot } from './snapshot.ts';

interface Labelled {
  readonly labels: LabelMap;
  readonly profiles: readonly string[];
}

interface EffectiveLabels {
  readonly labels: ReadonlyMap<string, string>;
  /** Whether there may be more. */
  readonly open: boolean;
}

/** Undefined when they are not known; a profile that does not exist applies none. */
function labelsOfProfile(name: string, snapshot: PolicySnapshot): LabelMap | undefined {
  if (name === UNKNOWN_PROFILE) return undefined;
  const profile = snapshot.profiles.get(name);
  return profile === undefined ? {} : profile.labelsToApply;
}

/**
 * Its own labels, then those of its profiles in order; the first to name a label wins. Behind a profile whose labels are
 * not known, no label is.
 */
function effectiveLabels(item: Labelled, snapshot: PolicySnapshot): EffectiveLabels {
  const layers = item.profiles.map((name) => labelsOfProfile(name, snapshot));
  const end = layers.indexOf(undefined);
  const known = [item.labels, ...(end < 0 ? layers : layers.slice(0, end))];
  const labels = new Map(known.reverse().flatMap((layer) => Object.entries(layer ?? {})));
  return { labels, open: end >= 0 };
}

/** Undefined when it depends on labels that are not known. */
export function satisfies(item: Labelled, selector: Selector, snapshot: PolicySnapshot): Truth {
  const { labels, open } = effectiveLabels(item, snapshot);
  return open ? tryMatchSelector(selector, labels) : matchSelector(selector, labels);
}
