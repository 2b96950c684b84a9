// Tier: a group of policies with an order and an end (Calico v3.33, api/pkg/apis/projectcalico/v3/tier.go).

import { choice, number } from '../../schema/scalars.ts';
import { type Between, between, filled, type Infer, object, sparse } from '../../schema/schema.ts';
import { formatFloat } from '../meta/cells.ts';
import { conditions } from '../meta/conditions.ts';
import { defineKind } from '../meta/kind.ts';
import { dnsLabel } from '../meta/names.ts';
import type { Resource } from '../meta/resource.ts';

/** The order of a tier that names none: that of the tier `default`. */
export const DEFAULT_TIER_ORDER = 1_000_000;

const spec = object({
  order: filled(number, DEFAULT_TIER_ORDER, 'Tiers with a lower order come first; equal orders by name.'),
  defaultAction: filled(
    choice('Deny', 'Pass'),
    'Deny',
    'What happens to packets that policies of the tier apply to and none decides.',
  ),
});
const status = object({ conditions: sparse(conditions, 'Its state.') });

export type TierSpec = Infer<typeof spec>;
export type Tier = Resource<TierSpec, Infer<typeof status>, 'Tier'>;

/** The tiers that are always there; they cannot be deleted or get another order or action. */
export const BUILT_IN_TIERS: Readonly<Record<string, TierSpec>> = {
  default: { order: DEFAULT_TIER_ORDER, defaultAction: 'Deny' },
  'kube-admin': { order: 1000, defaultAction: 'Pass' },
  'kube-baseline': { order: 10_000_000, defaultAction: 'Pass' },
};

/** A built-in tier keeps its order and its action. */
function builtIn(field: 'order' | 'defaultAction'): Between<Tier> {
  return between(['metadata.name', `spec.${field}`], ({ metadata: { name }, spec }, report) => {
    const wanted = Object.hasOwn(BUILT_IN_TIERS, name) ? BUILT_IN_TIERS[name]?.[field] : spec[field];
    if (spec[field] !== wanted) report(`spec.${field}`, `${wanted} for ${name}`);
  });
}

export const tier = defineKind({
  name: 'Tier',
  plural: 'tiers',
  aliases: ['tier'],
  doc: 'A group of policies. Tiers apply in their order, each until a policy decides or passes.',
  names: dnsLabel,
  spec,
  status: { schema: status, always: true },
  rules: [builtIn('order'), builtIn('defaultAction')],
  columns: [
    { heading: 'NAME', value: (one) => one.metadata.name },
    { heading: 'ORDER', value: (one) => formatFloat(one.spec.order) },
  ],
  table: ['NAME', 'ORDER'],
  compare: (a, b) => a.spec.order - b.spec.order || (a.metadata.name < b.metadata.name ? -1 : 1),
});
