// NetworkPolicy: rules for the endpoints of one namespace (Calico v3.33, api/pkg/apis/projectcalico/v3/networkpolicy.go).

import { object } from '../../schema/schema.ts';
import { policyName } from '../meta/names.ts';
import { hintsField, ruleFields, serviceAccountField, tierField, typesField } from './policy-fields.ts';
import { definePolicy } from './policy-kind.ts';

export const networkPolicyFields = {
  tier: tierField,
  ...ruleFields,
  types: typesField,
  serviceAccountSelector: serviceAccountField,
  performanceHints: hintsField,
};
const spec = object(networkPolicyFields);

export const networkPolicyParts = {
  name: 'NetworkPolicy',
  plural: 'networkpolicies',
  aliases: ['networkpolicy', 'policy', 'np', 'policies', 'pol', 'pols', 'nps'],
  namespaced: true,
  doc: 'Rules for the endpoints of one namespace.',
  names: policyName,
  spec,
} as const;

export const networkPolicy = definePolicy(networkPolicyParts);
