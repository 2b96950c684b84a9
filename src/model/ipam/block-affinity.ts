// BlockAffinity: a record of which host a block belongs to (Calico v3.33, api/pkg/apis/projectcalico/v3/blockaffinity.go);
// with etcd nothing reads it.

import { choice, text } from '../../schema/scalars.ts';
import { object, required, sparse } from '../../schema/schema.ts';
import { defineKind } from '../meta/kind.ts';
import { maskedCidr } from '../meta/values.ts';

const spec = object({
  state: required(choice('pending', 'confirmed', 'pendingDeletion'), 'How far the claim is.'),
  node: required(text(), 'The host.'),
  type: sparse(text(), 'What kind of owner it is.'),
  cidr: required(maskedCidr, 'The block.'),
  deleted: sparse(choice('false'), 'Whether it is being deleted.'),
});

export const blockAffinity = defineKind({
  name: 'BlockAffinity',
  plural: 'blockaffinities',
  aliases: ['blockaffinity', 'affinity', 'affinities'],
  readOnly: true,
  doc: 'Which host a block of addresses belongs to. With etcd nothing reads it.',
  spec,
  columns: [
    { heading: 'NAME', value: (one) => one.metadata.name },
    { heading: 'CIDR', value: (one) => one.spec.cidr },
    { heading: 'NODE', value: (one) => one.spec.node },
  ],
  table: ['NAME', 'CIDR', 'NODE'],
});
