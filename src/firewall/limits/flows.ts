// How many flows an endpoint may have: they are remembered in one table for the whole machine, which one workload must not fill.
import type { NftSet, Rule, SetSpec } from '../../nftables/nft.ts';
import { dropping, isNew } from '../../nftables/statements.ts';

/** Counts the flows of each interface; an element keeps the limit that it began with, so the name has it. */
function countsSet(limit: number): string {
  return `flow-counts-${limit}`;
}

/** Of the interface that a packet comes from or leaves by. 0: as many as it can. */
export function flowLimitRules(limit: number, field: 'iifname' | 'oifname'): readonly Rule[] {
  if (limit === 0) return [];
  return [dropping('too many flows', isNew, { kind: 'beyond-flows', field, set: countsSet(limit), limit })];
}

/** What these rules count in. */
export function flowLimitSets(limit: number): readonly NftSet[] {
  const spec: SetSpec = {
    name: countsSet(limit),
    key: ['ifname'],
    interval: false,
    verdicts: false,
    dynamic: true,
  };
  return limit === 0 ? [] : [{ spec, elements: new Map() }];
}
