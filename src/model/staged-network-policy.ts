// StagedNetworkPolicy: a NetworkPolicy on trial, stored and never enforced (Calico v3.33,
// api/pkg/apis/projectcalico/v3/stagednetworkpolicy.go).
import { defineKind } from './kind.ts';
import { policyName } from './names.ts';
import {
  hintsField,
  onlyTierBesideDelete,
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

const specFields = {
  stagedAction: stagedActionField,
  tier: tierField,
  ...ruleFields,
  types: stagedTypesField,
  serviceAccountSelector: serviceAccountField,
  performanceHints: hintsField,
};
const spec = object(specFields, onlyTierBesideDelete(specFields));

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
