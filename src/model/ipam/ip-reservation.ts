// IPReservation: addresses that are kept back (Calico v3.33,
// api/pkg/apis/projectcalico/v3/ipreservation.go).

import { type Infer, list, object, sparse } from '../../schema/schema.ts';
import { joinItems } from '../meta/cells.ts';
import { defineKind } from '../meta/kind.ts';
import type { Resource } from '../meta/resource.ts';
import { cidrOrIp } from '../meta/values.ts';

const spec = object({ reservedCIDRs: sparse(list(cidrOrIp), 'Addresses and ranges.') });

type IPReservationSpec = Infer<typeof spec>;
export type IPReservation = Resource<IPReservationSpec, undefined, 'IPReservation'>;

export const ipReservation = defineKind({
  name: 'IPReservation',
  plural: 'ipreservations',
  aliases: ['ipreservation', 'reservation', 'reservations'],
  doc: 'Addresses that no workload gets unless it asks for one, and says that it may be a reserved one.',
  spec,
  columns: [
    { heading: 'NAME', value: (one) => one.metadata.name },
    { heading: 'CIDRS', value: (one) => joinItems(one.spec.reservedCIDRs, 80) },
  ],
  table: ['NAME'],
  wideTable: ['NAME', 'CIDRS'],
});
