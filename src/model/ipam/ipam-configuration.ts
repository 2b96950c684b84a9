// IPAMConfiguration `default`: a record of address assignment settings (Calico v3.33,
// api/pkg/apis/projectcalico/v3/ipamconfig.go). With etcd the settings that count are those of `calicoctl ipam configure`.

import { boolean, choice, integer } from '../../schema/scalars.ts';
import { filled, object, sparse } from '../../schema/schema.ts';
import { defineKind, onlyDefault } from '../meta/kind.ts';

const spec = object({
  strictAffinity: filled(boolean, false, 'Whether hosts take addresses from their own blocks only.'),
  maxBlocksPerHost: sparse(integer(0, 1_000_000), 'How many blocks a host may have; 0 for the usual limit.', '0'),
  autoAllocateBlocks: filled(boolean, true, 'Whether hosts take new blocks by themselves.'),
  kubeVirtVMAddressPersistence: sparse(choice('Enabled', 'Disabled'), 'Whether virtual machines keep their addresses.'),
  ipCooldownSeconds: sparse(integer(0, 1200), 'How long a released address rests.', '0'),
});

export const ipamConfiguration = defineKind({
  name: 'IPAMConfiguration',
  plural: 'ipamconfigurations',
  aliases: ['ipamconfiguration', 'ipamconfig', 'ipamconfigs'],
  doc: 'Settings of address assignment. With etcd, `calicoctl ipam configure` sets what counts.',
  spec,
  rules: [onlyDefault],
  columns: [
    { heading: 'NAME', value: (one) => one.metadata.name },
    { heading: 'STRICTAFFINITY', value: (one) => String(one.spec.strictAffinity) },
    { heading: 'AUTOALLOCATEBLOCKS', value: (one) => String(one.spec.autoAllocateBlocks) },
    { heading: 'MAXBLOCKSPERHOST', value: (one) => String(one.spec.maxBlocksPerHost ?? 0) },
  ],
  table: ['NAME', 'STRICTAFFINITY', 'AUTOALLOCATEBLOCKS'],
  wideTable: ['NAME', 'STRICTAFFINITY', 'AUTOALLOCATEBLOCKS', 'MAXBLOCKSPERHOST'],
});
