// StagedGlobalNetworkPolicy: a GlobalNetworkPolicy on trial, stored and never enforced (Calico v3.33,
// api/pkg/apis/projectcalico/v3/stagedglobalnetworkpolicy.go).

import { object } from '../../schema/schema.ts';
import { defineKind } from '../meta/kind.ts';
import { globalPolicyName } from '../meta/names.ts';
import {
  globalFields,
  globalRuleFields,
  hintsField,
  hostFlagRules,
  namespaceField,
  onlyTierBesideDelete,
  POLICY_TABLE,
  POLICY_WIDE_TABLE,
  policyColumns,
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
  ...globalRuleFields,
  types: stagedTypesField,
  ...globalFields,
  serviceAccountSelector: serviceAccountField,
  namespaceSelector: namespaceField,
  performanceHints: hintsField,
};
const spec = object(specFields, ...hostFlagRules, onlyTierBesideDelete(specFields));

export const stagedGlobalNetworkPolicy = defineKind({
  name: 'StagedGlobalNetworkPolicy',
  plural: 'stagedglobalnetworkpolicies',
  aliases: ['stagedglobalnetworkpolicy', 'sgnp', 'sgnps'],
  doc: 'A GlobalNetworkPolicy on trial: stored, and not enforced.',
  names: globalPolicyName,
  spec,
  columns: policyColumns.filter((column) => column.heading !== 'NAMESPACE'),
  table: POLICY_TABLE,
  wideTable: POLICY_WIDE_TABLE,
  toStored: withPolicyMarks,
  fromStored: withoutPolicyMarks,
});
