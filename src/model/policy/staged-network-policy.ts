// StagedNetworkPolicy: a NetworkPolicy on trial, calculated and counted and never enforced (Calico v3.33,
// api/pkg/apis/projectcalico/v3/stagednetworkpolicy.go).

import { object } from '../../schema/schema.ts';
import { networkPolicyFields, networkPolicyParts } from './network-policy.ts';
import { defineStagedPolicy, onlyTierBesideDelete, stagedFields } from './policy-kind.ts';

export const stagedNetworkPolicy = defineStagedPolicy(networkPolicyParts, {
  aliases: ['stagednetworkpolicy', 'stagedpolicy', 'stagedpolicies', 'snp', 'snps', 'spol', 'spols'],
  spec: object(stagedFields(networkPolicyFields), onlyTierBesideDelete(networkPolicyFields)),
});
