// What the four kinds of policy have in common (Calico v3.33, api/pkg/apis/projectcalico/v3/networkpolicy.go).

import { boolean, choice, number } from '../../schema/scalars.ts';
import {
  type Between,
  between,
  computed,
  createdFrom,
  type Fields,
  filled,
  list,
  optional,
  sparse,
} from '../../schema/schema.ts';
import { formatFloat } from '../meta/cells.ts';
import type { Column } from '../meta/kind.ts';
import { dnsLabel } from '../meta/names.ts';
import type { Metadata, Resource } from '../meta/resource.ts';
import { selector } from '../meta/selectors.ts';
import { globalRules, rules } from './rule.ts';

/** The label that every stored policy carries: its tier. */
const LABEL_TIER = 'projectcalico.org/tier';
/** The annotation that every stored policy carries and no reader sees: the name as the user gave it. */
export const ANNOTATION_METADATA = 'projectcalico.org/metadata';

const direction = choice('Ingress', 'Egress');
const directions = list(direction, { maxItems: 2, unique: true });
export type PolicyType = 'Ingress' | 'Egress';

function rulesOf(before: Readonly<Record<string, unknown>>, field: string): number {
  const value = before[field];
  return Array.isArray(value) ? value.length : 0;
}

/** Ingress unless there are egress rules alone; Egress when there are egress rules. */
function inferTypes(before: Readonly<Record<string, unknown>>): readonly PolicyType[] {
  if (rulesOf(before, 'egress') === 0) return ['Ingress'];
  return rulesOf(before, 'ingress') === 0 ? ['Egress'] : ['Ingress', 'Egress'];
}

export const tierField = filled(dnsLabel, 'default', 'The tier that the policy belongs to.');
function fieldsOf({ ingress, egress }: typeof rules) {
  return {
    order: optional(number, 'Policies with a lower order come first in their tier.', 'after all others'),
    ingress: sparse(ingress, 'Rules for packets to the endpoints, in order.'),
    egress: sparse(egress, 'Rules for packets from the endpoints, in order.'),
    selector: sparse(selector, 'The endpoints that the policy applies to, by their labels.', 'all()'),
  };
}
export const ruleFields = fieldsOf(rules);
export const globalRuleFields = fieldsOf(globalRules);
export const typesField = computed(
  directions,
  inferTypes,
  'Ingress if there are ingress rules or no rules, Egress if there are egress rules',
  'The directions that the policy applies to.',
);
/** As typesField; nothing is inferred for a policy that is to be deleted. */
export const stagedTypesField = createdFrom(
  directions,
  (before) => (before.stagedAction === 'Delete' ? undefined : inferTypes(before)),
  'as for policies',
  'The directions that the policy applies to.',
);
export const globalFields = {
  doNotTrack: sparse(boolean, 'Whether it applies before connection tracking; host endpoints only.', 'false'),
  preDNAT: sparse(boolean, 'Whether it applies before destination NAT; host endpoints only.', 'false'),
  applyOnForward: sparse(boolean, 'Whether it applies to forwarded packets; host endpoints only.', 'false'),
};
export const serviceAccountField = sparse(selector, 'Service accounts of the endpoints, by their labels.');
export const namespaceField = sparse(selector, 'Namespaces of the endpoints, by their labels.');
export const hintsField = sparse(
  list(choice('AssumeNeededOnEveryNode'), { unique: true }),
  'Hints that make calculations faster.',
);
export const stagedActionField = filled(
  choice('Set', 'Delete', 'Learn', 'Ignore'),
  'Set',
  'What enforcing it would do to the policy of the same name.',
);

interface HostFlags {
  readonly egress?: unknown;
  readonly types?: readonly PolicyType[] | undefined;
  readonly doNotTrack?: boolean | undefined;
  readonly preDNAT?: boolean | undefined;
  readonly applyOnForward?: boolean | undefined;
}

/** What holds between the flags for host endpoints, rules and types. */
export const hostFlagRules: readonly Between<HostFlags>[] = [
  between(['doNotTrack', 'preDNAT'], (spec, report) => {
    if (spec.doNotTrack && spec.preDNAT) report('preDNAT', 'false beside doNotTrack');
  }),
  between(['doNotTrack', 'preDNAT', 'applyOnForward'], (spec, report) => {
    if (spec.applyOnForward || !(spec.doNotTrack || spec.preDNAT)) return;
    report('applyOnForward', `true beside ${spec.preDNAT ? 'preDNAT' : 'doNotTrack'}`);
  }),
  between(['preDNAT'], (spec, report, isGiven) => {
    if (spec.preDNAT && isGiven('egress')) report('egress', 'ingress rules only, beside preDNAT');
  }),
  between(['preDNAT', 'types'], (spec, report, isGiven) => {
    if (!spec.preDNAT || !isGiven('types') || !spec.types?.includes('Egress')) return;
    report('types', 'Ingress only, beside preDNAT', 'Egress');
  }),
];

interface Tiered {
  readonly metadata: Metadata;
  readonly spec: { readonly tier: string };
}

/** With the forced label and annotation, as they are stored. */
export function withPolicyMarks<P extends Tiered>(policy: P): P {
  const { metadata } = policy;
  const labels = sorted({ ...metadata.labels, [LABEL_TIER]: policy.spec.tier });
  const given = JSON.stringify({ name: metadata.name });
  const annotations = sorted({ ...metadata.annotations, [ANNOTATION_METADATA]: given });
  return { ...policy, metadata: { ...metadata, labels, annotations } };
}

/** Without the annotation. */
export function withoutPolicyMarks<P extends Tiered>(policy: P): P {
  const { annotations, ...metadata } = policy.metadata;
  if (annotations === undefined || annotations[ANNOTATION_METADATA] === undefined) return policy;
  const { [ANNOTATION_METADATA]: _given, ...others } = annotations;
  return {
    ...policy,
    metadata: Object.keys(others).length === 0 ? metadata : { ...metadata, annotations: others },
  };
}

function sorted(map: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(map).sort(([a], [b]) => (a < b ? -1 : 1)));
}

interface PolicySpec {
  readonly tier: string;
  readonly order?: number | undefined;
  readonly selector?: string | undefined;
}

/** NAME, TIER, ORDER and SELECTOR; `<nil>` for no order, as Calico prints it. */
export const policyColumns: readonly Column<Resource<PolicySpec>>[] = [
  { heading: 'NAME', value: (policy) => policy.metadata.name },
  { heading: 'NAMESPACE', value: (policy) => policy.metadata.namespace ?? '' },
  { heading: 'TIER', value: (policy) => policy.spec.tier },
  { heading: 'ORDER', value: ({ spec }) => (spec.order === undefined ? '<nil>' : formatFloat(spec.order)) },
  { heading: 'SELECTOR', value: (policy) => policy.spec.selector ?? '' },
];
export const POLICY_TABLE = ['NAME', 'TIER'];
export const POLICY_WIDE_TABLE = ['NAME', 'TIER', 'ORDER', 'SELECTOR'];

interface Staged {
  readonly stagedAction: string;
  readonly [field: string]: unknown;
}

/** A policy that is to be deleted says nothing but its tier; `fields` are those of the spec. */
export function onlyTierBesideDelete(fields: Fields): Between<Staged> {
  const others = Object.keys(fields).filter((name) => name !== 'stagedAction' && name !== 'tier');
  return between(['stagedAction'], (spec, report, isGiven) => {
    if (spec.stagedAction !== 'Delete') return;
    for (const name of others) if (isGiven(name)) report(name, 'nothing beside stagedAction Delete');
  });
}
