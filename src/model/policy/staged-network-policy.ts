// StagedNetworkPolicy: a NetworkPolicy on trial, stored and never enforced (Calico v3.33,
// api/pkg/apis/projectcalico/v3/stagednetworkpolicy.go).

import { object } from '../../schema/schema.ts';
import { defineKind } from '../meta/kind.ts';
import { policyName } from '../meta/names.ts';
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

const specFields = {
  stagedAction: stagedActionField,
  tier: tierField,
  ...ruleFields,
  types: stagedTypesField,
  serviceAccountSelector: serviceAccountField,
  performanceHints: hintsField,
};
const spec = object(specFields, onlyTierBesideDelete(specFields));

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
