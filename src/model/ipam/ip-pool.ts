// IPPool: a range that workloads and tunnels get addresses from (Calico v3.33, api/pkg/apis/projectcalico/v3/ippool.go).
import { type Cidr, cidrFamily, cidrsOverlap, parseCidr, tryParseCidr } from '../../net/cidr.ts';
import type { Family } from '../../net/ip.ts';
import { membersOf } from '../../schema/document.ts';
import { boolean, choice, integer } from '../../schema/scalars.ts';
import {
  type Between,
  between,
  computed,
  filled,
  type Infer,
  list,
  type ObjectOf,
  object,
  required,
  type Scalar,
  sparse,
} from '../../schema/schema.ts';
import { conditions } from '../meta/conditions.ts';
import { defineKind } from '../meta/kind.ts';
import type { Resource } from '../meta/resource.ts';
import { selector } from '../meta/selectors.ts';
import { maskedCidr } from '../meta/values.ts';

const encapsulation = choice('Never', 'Always', 'CrossSubnet');
const LINK_LOCAL = [parseCidr('169.254.0.0/16'), parseCidr('fe80::/10')];

/** Block sizes by address family: the default, and what is allowed. */
const BLOCK_SIZE = { 4: { usual: 26, min: 20, max: 32 }, 6: { usual: 122, min: 116, max: 128 } } as const;

const sizes = {
  4: integer(BLOCK_SIZE[4].min, BLOCK_SIZE[4].max),
  6: integer(BLOCK_SIZE[6].min, BLOCK_SIZE[6].max),
};
const blockSize: Scalar<number> = {
  ...integer(BLOCK_SIZE[4].min, BLOCK_SIZE[6].max),
  wanted: 'a whole number from 20 to 32 for IPv4, from 116 to 128 for IPv6',
  read: (value) => sizes[4].read(value) ?? sizes[6].read(value),
};

function usualBlockSize(before: Readonly<Record<string, unknown>>): number {
  const range = typeof before.cidr === 'string' ? tryParseCidr(before.cidr) : undefined;
  return BLOCK_SIZE[range === undefined ? 4 : cidrFamily(range)].usual;
}

const specFields = {
  cidr: required(maskedCidr, 'The range. It cannot be changed, and no two pools may overlap.'),
  vxlanMode: filled(encapsulation, 'Never', 'Which packets between hosts go through a VXLAN tunnel.'),
  ipipMode: filled(encapsulation, 'Never', 'Which packets between hosts go through an IP-in-IP tunnel; IPv4 only.'),
  natOutgoing: sparse(boolean, 'Whether packets that leave all pools get the address of the host.', 'false'),
  disabled: sparse(boolean, 'Whether no new addresses are given out.', 'false'),
  disableBGPExport: sparse(boolean, 'Whether BGP keeps routes into the pool to itself.', 'false'),
  blockSize: computed(
    blockSize,
    usualBlockSize,
    '26 for IPv4, 122 for IPv6',
    'Prefix length of the blocks that hosts take. It cannot be changed.',
  ),
  nodeSelector: filled(selector, 'all()', 'Nodes that take addresses from the pool, by their labels.'),
  namespaceSelector: sparse(selector, 'Namespaces that take addresses from the pool, by their labels.'),
  allowedUses: filled(
    list(choice('Workload', 'Tunnel', 'LoadBalancer'), { maxItems: 10 }),
    ['Workload', 'Tunnel'],
    'What the addresses may be used for.',
  ),
  assignmentMode: filled(
    choice('Automatic', 'Manual'),
    'Automatic',
    'Whether the pool is used by itself, or only where it is named.',
  ),
};

type IPPoolSpec = ObjectOf<typeof specFields>;

/** The range of a pool's spec, whatever else is wrong with it: no other pool may overlap it. Undefined where it has none. */
export function tryReadPoolRange(spec: unknown): Cidr | undefined {
  const cidr = membersOf(spec)?.cidr;
  return typeof cidr === 'string' ? tryParseCidr(cidr) : undefined;
}

function familyOfRange(range: string): Family {
  return cidrFamily(parseCidr(range));
}

const rangeRules: readonly Between<IPPoolSpec>[] = [
  between(['cidr'], ({ cidr }, report) => {
    const range = parseCidr(cidr);
    if (LINK_LOCAL.some((reserved) => cidrsOverlap(reserved, range))) {
      report('cidr', 'a range outside of 169.254.0.0/16 and fe80::/10');
    }
  }),
  between(['cidr', 'blockSize'], (value, report) => {
    const family = familyOfRange(value.cidr);
    if (sizes[family].read(value.blockSize) === undefined) {
      report('blockSize', `${sizes[family].wanted} for IPv${family}`);
    }
  }),
  between(['cidr', 'blockSize', 'disabled'], (value, report) => {
    const { prefixLength } = parseCidr(value.cidr);
    const fits = value.disabled || prefixLength <= value.blockSize;
    const isSize = sizes[familyOfRange(value.cidr)].read(value.blockSize) !== undefined;
    if (isSize && !fits) report('cidr', `a range that holds a block of /${value.blockSize}`);
  }),
  between(['cidr', 'ipipMode'], ({ cidr, ipipMode }, report) => {
    if (ipipMode !== 'Never' && familyOfRange(cidr) === 6) report('ipipMode', 'Never for an IPv6 pool');
  }),
];

const useRules: readonly Between<IPPoolSpec>[] = [
  between(['allowedUses'], ({ allowedUses }, report, isPresent) => {
    if (isPresent('namespaceSelector') && allowedUses.includes('Tunnel')) {
      report('namespaceSelector', 'nothing for a pool whose allowedUses has Tunnel');
    }
    if (allowedUses.includes('LoadBalancer') && allowedUses.some((use) => use !== 'LoadBalancer')) {
      report('allowedUses', 'LoadBalancer alone', allowedUses.join(', '));
    }
  }),
  between(['allowedUses', 'vxlanMode', 'ipipMode'], ({ allowedUses, vxlanMode, ipipMode }, report) => {
    if (!allowedUses.includes('LoadBalancer') || (vxlanMode === 'Never' && ipipMode === 'Never')) return;
    report('allowedUses', 'a pool with ipipMode and vxlanMode Never', 'LoadBalancer');
  }),
  between(['allowedUses', 'disableBGPExport'], ({ allowedUses, disableBGPExport }, report) => {
    if (!allowedUses.includes('LoadBalancer') || !disableBGPExport) return;
    report('disableBGPExport', 'false for a pool for LoadBalancer');
  }),
  between(['allowedUses', 'nodeSelector'], ({ allowedUses, nodeSelector }, report) => {
    if (!allowedUses.includes('LoadBalancer') || nodeSelector === 'all()') return;
    report('nodeSelector', 'all() for a pool for LoadBalancer');
  }),
];

const spec = object(
  specFields,
  ...rangeRules,
  between(['vxlanMode', 'ipipMode'], ({ vxlanMode, ipipMode }, report) => {
    if (vxlanMode !== 'Never' && ipipMode !== 'Never') report('ipipMode', 'Never beside a vxlanMode');
  }),
  ...useRules,
);
const status = object({ conditions: sparse(conditions, 'Whether addresses can be given out.') });

export type IPPool = Resource<IPPoolSpec, Infer<typeof status>, 'IPPool'>;

export const ipPool = defineKind({
  name: 'IPPool',
  plural: 'ippools',
  aliases: ['ippool', 'ipp', 'ipps', 'pool', 'pools'],
  doc: 'A range that workloads and tunnels get addresses from, and how packets travel between hosts in it.',
  spec,
  status: { schema: status },
  columns: [
    { heading: 'NAME', value: (pool) => pool.metadata.name },
    { heading: 'CIDR', value: (pool) => pool.spec.cidr },
    { heading: 'NAT', value: (pool) => String(pool.spec.natOutgoing ?? false) },
    { heading: 'IPIPMODE', value: (pool) => pool.spec.ipipMode },
    { heading: 'VXLANMODE', value: (pool) => pool.spec.vxlanMode },
    { heading: 'DISABLED', value: (pool) => String(pool.spec.disabled ?? false) },
    { heading: 'DISABLEBGPEXPORT', value: (pool) => String(pool.spec.disableBGPExport ?? false) },
    { heading: 'SELECTOR', value: (pool) => pool.spec.nodeSelector },
    { heading: 'ASSIGNMENTMODE', value: (pool) => pool.spec.assignmentMode },
  ],
  table: ['NAME', 'CIDR', 'SELECTOR'],
  wideTable: [
    'NAME',
    'CIDR',
    'NAT',
    'IPIPMODE',
    'VXLANMODE',
    'DISABLED',
    'DISABLEBGPEXPORT',
    'SELECTOR',
    'ASSIGNMENTMODE',
  ],
});
