// GlobalNetworkPolicy: rules for endpoints of all namespaces and for host endpoints (Calico v3.33,
// api/pkg/apis/projectcalico/v3/globalnetworkpolicy.go).

import { object } from '../../schema/schema.ts';
import { globalPolicyName } from '../meta/names.ts';
import {
  globalFields,
  globalRuleFields,
  hintsField,
  hostFlagRules,
  namespaceField,
  serviceAccountField,
  tierField,
  typesField,
} from './policy-fields.ts';
import { definePolicy } from './policy-kind.ts';

export const globalNetworkPolicyFields = {
  tier: tierField,
  ...globalRuleFields,
  types: typesField,
  ...globalFields,
  serviceAccountSelector: serviceAccountField,
  namespaceSelector: namespaceField,
  performanceHints: hintsField,
};
const spec = object(globalNetworkPolicyFields, ...hostFlagRules);

export const globalNetworkPolicyParts = {
  name: 'GlobalNetworkPolicy',
  plural: 'globalnetworkpolicies',
  aliases: ['globalnetworkpolicy', 'gnp', 'gnps'],
  doc: 'Rules for the endpoints of all namespaces, and for the interfaces of hosts.',
  names: globalPolicyName,
  spec,
} as const;

export const globalNetworkPolicy = definePolicy(globalNetworkPolicyParts);
