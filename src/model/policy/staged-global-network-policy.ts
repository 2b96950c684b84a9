// StagedGlobalNetworkPolicy: a GlobalNetworkPolicy on trial, calculated and counted and never enforced (Calico v3.33,
// api/pkg/apis/projectcalico/v3/stagedglobalnetworkpolicy.go).

import { object } from '../../schema/schema.ts';
import { globalNetworkPolicyFields, globalNetworkPolicyParts } from './global-network-policy.ts';
import { hostFlagRules } from './policy-fields.ts';
import { defineStagedPolicy, onlyTierBesideDelete, stagedFields } from './policy-kind.ts';

export const stagedGlobalNetworkPolicy = defineStagedPolicy(globalNetworkPolicyParts, {
  aliases: ['stagedglobalnetworkpolicy', 'sgnp', 'sgnps'],
  spec: object(
    stagedFields(globalNetworkPolicyFields),
    ...hostFlagRules,
    onlyTierBesideDelete(globalNetworkPolicyFields),
  ),
});
