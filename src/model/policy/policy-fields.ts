// What the four kinds of policy have in common (Calico v3.33, api/pkg/apis/projectcalico/v3/networkpolicy.go).

import { boolean, choice, number } from '../../schema/scalars.ts';
import { type Between, between, computed, filled, list, optional, sparse } from '../../schema/schema.ts';
import { dnsLabel } from '../meta/names.ts';
import { selector } from '../meta/selectors.ts';
import { globalRules, rules } from './rule.ts';

const direction = choice('Ingress', 'Egress');
export const directions = list(direction, { maxItems: 2, unique: true });
export type PolicyType = 'Ingress' | 'Egress';

function rulesOf(before: Readonly<Record<string, unknown>>, field: string): number {
  const value = before[field];
  return Array.isArray(value) ? value.length : 0;
}

/** Ingress unless there are egress rules alone; Egress when there are egress rules. */
export function inferTypes(before: Readonly<Record<string, unknown>>): readonly PolicyType[] {
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
  between(['preDNAT'], (spec, report, isPresent) => {
    if (spec.preDNAT && isPresent('egress')) report('egress', 'ingress rules only, beside preDNAT');
  }),
  between(['preDNAT', 'types'], (spec, report, isPresent) => {
    if (!spec.preDNAT || !isPresent('types') || !spec.types?.includes('Egress')) return;
    report('types', 'Ingress only, beside preDNAT', 'Egress');
  }),
];
