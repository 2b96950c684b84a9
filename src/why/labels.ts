// The labels of an endpoint, and where each is from: its own resource, or one of its profiles.
import type { PolicySnapshot } from '../policy/oracle/snapshot.ts';
import { UNKNOWN_PROFILE } from '../policy/types/input.ts';

interface LabelOrigin {
  readonly name: string;
  readonly value: string;
  /** Undefined for one of its own. */
  readonly profile: string | undefined;
}

export interface LabelsWithOrigin {
  /** By name. */
  readonly labels: readonly LabelOrigin[];
  /** There may be more, which cannot be read. */
  readonly open: boolean;
}

/** The first to name a label wins: the endpoint itself, then its profiles in order. */
export function listLabels(id: string, snapshot: PolicySnapshot): LabelsWithOrigin {
  const origins = new Map<string, LabelOrigin>();
  const take = (labels: Readonly<Record<string, string>>, profile: string | undefined) => {
    for (const [name, value] of Object.entries(labels))
      if (!origins.has(name)) origins.set(name, { name, value, profile });
  };
  const endpoint = snapshot.endpoints.get(id);
  take(endpoint?.labels ?? {}, undefined);
  let open = false;
  for (const profile of endpoint?.profiles ?? []) {
    const known = snapshot.profiles.get(profile);
    open = profile === UNKNOWN_PROFILE || (known !== undefined && known.labelsToApply === undefined);
    if (open) break;
    take(known?.labelsToApply ?? {}, profile);
  }
  return { labels: [...origins.values()].sort((a, b) => (a.name < b.name ? -1 : 1)), open };
}
