// Labels in a snapshot, for the verdict: what an endpoint or network set has, and which selectors it satisfies.
import { matchSelector } from '../selector/match.ts';
import type { Selector } from '../selector/selector.ts';
import type { LabelMap } from './input.ts';
import type { PolicySnapshot } from './snapshot.ts';

interface Labelled {
  readonly labels: LabelMap;
  readonly profiles: readonly string[];
}

/** Its own labels, then those of its profiles in order; the first to name a label wins. */
export function effectiveLabels(item: Labelled, snapshot: PolicySnapshot): ReadonlyMap<string, string> {
  const layers = [item.labels, ...item.profiles.map((name) => snapshot.profiles.get(name)?.labelsToApply ?? {})];
  return new Map(layers.reverse().flatMap((labels) => Object.entries(labels)));
}

export function satisfies(item: Labelled, selector: Selector, snapshot: PolicySnapshot): boolean {
  return matchSelector(selector, effectiveLabels(item, snapshot));
}
