// StagedNetworkPolicy and StagedGlobalNetworkPolicy: policies on trial, stored and never enforced (facts: calico §4.6).
import { defineKind } from './kind.ts';
import { policyName } from './names.ts';
import {
  checkHostFlags,
  checkPolicyRules,
  globalFields,
  hintsField,
  namespaceField,
  POLICY_TABLE,
  POLICY_WIDE_TABLE,
  policyColumns,
  ruleFields,
  serviceAccountField,
  stagedActionField,
  stagedTypesField,
  tierField,
  withoutPolicyMarks,
  withPolicyMarks,
} from './policy-fields.ts';
import type { Resource } from './resource.ts';
import { type Infer, object, type Report } from './schema.ts';

/** A policy that is to be deleted says nothing but its tier. */
function checkDelete(spec: { readonly stagedAction: string }, report: Report): void {
  if (spec.stagedAction !== 'Delete') return;
  for (const field of Object.keys(spec)) {
    if (field !== 'stagedAction' && field !== 'tier') report(field, 'a value', 'nothing beside stagedAction Delete');
  }
}

const namespacedSpec = object(
  {
    stagedAction: stagedActionField,
    tier: tierField,
    ...ruleFields,
    types: stagedTypesField,
    serviceAccountSelector: serviceAccountField,
    performanceHints: hintsField,
  },
  (value, report) => {
    checkPolicyRules(value, report);
    checkDelete(value, report);
  },
);

export type StagedNetworkPolicySpec = Infer<typeof namespacedSpec>;
export type StagedNetworkPolicy = Resource<StagedNetworkPolicySpec, undefined, 'StagedNetworkPolicy'>;

export const stagedNetworkPolicy = defineKind({
  name: 'StagedNetworkPolicy',
  plural: 'stagednetworkpolicies',
  aliases: ['stagednetworkpolicy', 'stagedpolicy', 'stagedpolicies', 'snp', 'snps', 'spol', 'spols'],
  namespaced: true,
  doc: 'A NetworkPolicy on trial: stored, and not enforced.',
  names: policyName,
  spec: namespacedSpec,
  columns: policyColumns,
  table: POLICY_TABLE,
  wideTable: POLICY_WIDE_TABLE,
  toStored: withPolicyMarks,
  fromStored: withoutPolicyMarks,
});

const globalSpec = object(
  {
    stagedAction: stagedActionField,
    tier: tierField,
    ...ruleFields,
    types: stagedTypesField,
    ...globalFields,
    serviceAccountSelector: serviceAccountField,
    namespaceSelector: namespaceField,
    performanceHints: hintsField,
  },
  (value, report) => {
    checkPolicyRules(value, report);
    checkHostFlags(value, report);
    checkDelete(value, report);
  },
);

export type StagedGlobalNetworkPolicySpec = Infer<typeof globalSpec>;
export type StagedGlobalNetworkPolicy = Resource<StagedGlobalNetworkPolicySpec, undefined, 'StagedGlobalNetworkPolicy'>;

export const stagedGlobalNetworkPolicy = defineKind({
  name: 'StagedGlobalNetworkPolicy',
  plural: 'stagedglobalnetworkpolicies',
  aliases: ['stagedglobalnetworkpolicy', 'sgnp', 'sgnps'],
  doc: 'A GlobalNetworkPolicy on trial: stored, and not enforced.',
  names: policyName,
  spec: globalSpec,
  columns: policyColumns.filter((column) => column.heading !== 'NAMESPACE'),
  table: POLICY_TABLE,
  wideTable: POLICY_WIDE_TABLE,
  toStored: withPolicyMarks,
  fromStored: withoutPolicyMarks,
});
