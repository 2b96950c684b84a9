// StagedNetworkPolicy: a NetworkPolicy on trial, stored and never enforced (facts: calico §4.6).
import { defineKind } from './kind.ts';
import { policyName } from './names.ts';
import {
  checkPolicyRules,
  checkStagedDelete,
  hintsField,
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
import { type Infer, object } from './schema.ts';

const spec = object(
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
    checkStagedDelete(value, report);
  },
);

export type StagedNetworkPolicySpec = Infer<typeof spec>;
export type StagedNetworkPolicy = Resource<StagedNetworkPolicySpec, undefined, 'StagedNetworkPolicy'>;

export const stagedNetworkPolicy = defineKind({
  name: 'StagedNetworkPolicy',
  plural: 'stagednetworkpolicies',
  aliases: ['stagednetworkpolicy', 'stagedpolicy', 'stagedpolicies', 'snp', 'snps', 'spol', 'spols'],
  namespaced: true,
  doc: 'A NetworkPolicy on trial: stored, and not enforced.',
  names: policyName,
  spec,
  columns: policyColumns,
  table: POLICY_TABLE,
  wideTable: POLICY_WIDE_TABLE,
  toStored: withPolicyMarks,
  fromStored: withoutPolicyMarks,
});
