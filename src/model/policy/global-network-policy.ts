// GlobalNetworkPolicy: rules for endpoints of all namespaces and for host endpoints (Calico v3.33,
// api/pkg/apis/projectcalico/v3/globalnetworkpolicy.go).

import { object } from '../../schema/schema.ts';
import { defineKind } from '../meta/kind.ts';
import { globalPolicyName } from '../meta/names.ts';
import {
  globalFields,
  globalRuleFields,
  hintsField,
  hostFlagRules,
  namespaceField,
  POLICY_TABLE,
  POLICY_WIDE_TABLE,
  policyColumns,
  serviceAccountField,
  tierField,
  typesField,
  withoutPolicyMarks,
  withPolicyMarks,
} from './policy-fields.ts';

const specFields = {
  tier: tierField,
  ...globalRuleFields,
  types: typesField,
  ...globalFields,
  serviceAccountSelector: serviceAccountField,
  namespaceSelector: namespaceField,
  performanceHints: hintsField,
};
const spec = object(specFields, ...hostFlagRules);

export const globalNetworkPolicy = defineKind({
  name: 'GlobalNetworkPolicy',
  plural: 'globalnetworkpolicies',
  aliases: ['globalnetworkpolicy', 'gnp', 'gnps'],
  doc: 'Rules for the endpoints of all namespaces, and for the interfaces of hosts.',
  names: globalPolicyName,
  spec,
  columns: policyColumns.filter((column) => column.heading !== 'NAMESPACE'),
  table: POLICY_TABLE,
  wideTable: POLICY_WIDE_TABLE,
  toStored: withPolicyMarks,
  fromStored: withoutPolicyMarks,
});
