// Profile: the rules and labels that endpoints get by naming it; one for each network (Calico v3.33,
// api/pkg/apis/projectcalico/v3/profile.go).

import { type Infer, map, object, sparse } from '../../schema/schema.ts';
import { formatLabels } from '../meta/cells.ts';
import { defineKind } from '../meta/kind.ts';
import { labelKey, labelValue } from '../meta/names.ts';
import { API_VERSION, type Resource } from '../meta/resource.ts';
import { rules } from './rule.ts';

const spec = object({
  ingress: sparse(rules.ingress, 'Rules for packets to the endpoint, in order.'),
  egress: sparse(rules.egress, 'Rules for packets from the endpoint, in order.'),
  labelsToApply: sparse(
    map(labelKey, labelValue),
    'Labels that endpoints with this profile have, unless they have their own.',
  ),
});

type ProfileSpec = Infer<typeof spec>;
export type Profile = Resource<ProfileSpec, undefined, 'Profile'>;

export const profile = defineKind({
  name: 'Profile',
  plural: 'profiles',
  aliases: ['profile', 'pro', 'pros'],
  doc: 'Rules and labels that endpoints get by naming the profile. The network plugin makes one for each network.',
  spec,
  columns: [
    { heading: 'NAME', value: (one) => one.metadata.name },
    { heading: 'LABELS', value: (one) => formatLabels(one.spec.labelsToApply) },
  ],
  table: ['NAME'],
  wideTable: ['NAME', 'LABELS'],
  bareTable: true,
});

/** The profile that allows everything; always there, in no store, left out of listings. */
export const defaultAllowProfile: Profile = {
  kind: 'Profile',
  apiVersion: API_VERSION,
  metadata: { name: 'projectcalico-default-allow', resourceVersion: '1' },
  spec: { ingress: [{ action: 'Allow' }], egress: [{ action: 'Allow' }] },
};
