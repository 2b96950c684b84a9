// NetworkPolicy: rules for the endpoints of one namespace (Calico v3.33, api/pkg/apis/projectcalico/v3/networkpolicy.go).

import { object } from '../../schema/schema.ts';
import { defineKind } from '../meta/kind.ts';
import { policyName } from '../meta/names.ts';
import {
  hintsField,
  POLICY_TABLE,
  POLICY_WIDE_TABLE,
  policyColumns,
  ruleFields,
  serviceAccountField,
  tierField,
  typesField,
  withoutPolicyMarks,
  withPolicyMarks,
} from './policy-fields.ts';

const specFields = {
  tier: tierField,
  ...ruleFields,
  types: typesField,
  serviceAccountSelector: serviceAccountField,
  performanceHints: hintsField,
};
const spec = object(specFields);

export const networkPolicy = defineKind({
  name: 'NetworkPolicy',
  plural: 'networkpolicies',
  aliases: ['networkpolicy', 'policy', 'np', 'policies', 'pol', 'pols', 'nps'],
  namespaced: true,
  doc: 'Rules for the endpoints of one namespace.',
  names: policyName,
  spec,
  columns: policyColumns,
  table: POLICY_TABLE,
  wideTable: POLICY_WIDE_TABLE,
  toStored: withPolicyMarks,
  fromStored: withoutPolicyMarks,
});
