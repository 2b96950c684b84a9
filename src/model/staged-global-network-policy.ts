// StagedGlobalNetworkPolicy: a GlobalNetworkPolicy on trial, stored and never enforced (facts: calico §4.6).
import { defineKind } from './kind.ts';
import { policyName } from './names.ts';
import {
  checkHostFlags,
  checkPolicyRules,
  checkStagedDelete,
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
import { type Infer, object } from './schema.ts';

const spec = object(
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
    checkStagedDelete(value, report);
  },
);

export type StagedGlobalNetworkPolicySpec = Infer<typeof spec>;
export type StagedGlobalNetworkPolicy = Resource<StagedGlobalNetworkPolicySpec, undefined, 'StagedGlobalNetworkPolicy'>;

export const stagedGlobalNetworkPolicy = defineKind({
  name: 'StagedGlobalNetworkPolicy',
  plural: 'stagedglobalnetworkpolicies',
  aliases: ['stagedglobalnetworkpolicy', 'sgnp', 'sgnps'],
  doc: 'A GlobalNetworkPolicy on trial: stored, and not enforced.',
  names: policyName,
  spec,
  columns: policyColumns.filter((column) => column.heading !== 'NAMESPACE'),
  table: POLICY_TABLE,
  wideTable: POLICY_WIDE_TABLE,
  toStored: withPolicyMarks,
  fromStored: withoutPolicyMarks,
});
