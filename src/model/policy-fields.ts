// What the four kinds of policy have in common (facts: calico §4.6).
import { formatFloat } from './cells.ts';
import type { Column } from './kind.ts';
import { dnsLabel } from './names.ts';
import type { Metadata, Resource } from './resource.ts';
import { checkEgressRules, checkIngressRules, type Rule, rules } from './rule.ts';
import { boolean, choice, number } from './scalars.ts';
import { computed, createdFrom, filled, list, optional, type Report, sparse } from './schema.ts';
import { selector } from './selectors.ts';

/** The label that every stored policy carries: its tier. */
export const LABEL_TIER = 'projectcalico.org/tier';
/** The annotation that every stored policy carries and no reader sees: the name as the user gave it. */
export const ANNOTATION_METADATA = 'projectcalico.org/metadata';

const direction = choice('Ingress', 'Egress');
const directions = list(direction, { maxItems: 2, unique: true });
export type PolicyType = 'Ingress' | 'Egress';

function rulesOf(before: Readonly<Record<string, unknown>>, field: string): number {
  const value = before[field];
  return Array.isArray(value) ? value.length : 0;
}

/** Ingress unless there are egress rules alone; Egress when there are egress rules (§4.6). */
function inferTypes(before: Readonly<Record<string, unknown>>): readonly PolicyType[] {
  if (rulesOf(before, 'egress') === 0) return ['Ingress'];
  return rulesOf(before, 'ingress') === 0 ? ['Egress'] : ['Ingress', 'Egress'];
}

export const tierField = filled(dnsLabel, 'default', 'The tier that the policy belongs to.');
export const ruleFields = {
  order: optional(number, 'Policies with a lower order come first in their tier.', 'after all others'),
  ingress: sparse(rules, 'Rules for packets to the endpoints, in order.'),
  egress: sparse(rules, 'Rules for packets from the endpoints, in order.'),
  selector: sparse(selector, 'The endpoints that the policy applies to, by their labels.', 'all()'),
};
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

export interface PolicyRules {
  readonly ingress?: readonly Rule[] | undefined;
  readonly egress?: readonly Rule[] | undefined;
}

export function checkPolicyRules(spec: PolicyRules, report: Report): void {
  checkIngressRules(spec.ingress, 'ingress', report);
  checkEgressRules(spec.egress, 'egress', report);
}

interface HostFlags extends PolicyRules {
  readonly types?: readonly PolicyType[] | undefined;
  readonly doNotTrack?: boolean | undefined;
  readonly preDNAT?: boolean | undefined;
  readonly applyOnForward?: boolean | undefined;
}

export function checkHostFlags(spec: HostFlags, report: Report): void {
  if (spec.doNotTrack && spec.preDNAT) report('preDNAT', 'true', 'false beside doNotTrack');
  if ((spec.doNotTrack || spec.preDNAT) && !spec.applyOnForward) {
    report('applyOnForward', 'false', `true beside ${spec.preDNAT ? 'preDNAT' : 'doNotTrack'}`);
  }
  if (!spec.preDNAT) return;
  if (spec.egress !== undefined) report('egress', 'egress rules', 'ingress rules only, beside preDNAT');
  if (spec.types?.includes('Egress')) report('types', 'Egress', 'Ingress only, beside preDNAT');
}

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

/** A policy that is to be deleted says nothing but its tier. */
export function checkStagedDelete(spec: { readonly stagedAction: string }, report: Report): void {
  if (spec.stagedAction !== 'Delete') return;
  for (const field of Object.keys(spec)) {
    if (field !== 'stagedAction' && field !== 'tier') report(field, 'a value', 'nothing beside stagedAction Delete');
  }
}
