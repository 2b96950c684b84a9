// The filters of BIRD's configuration: what is exported to peers, and what goes into the kernel.

import { type Cidr, cidrFamily, formatCidr } from '../../net/cidr.ts';
import { bitsOf, type Family, familyOf, formatIp } from '../../net/ip.ts';
import type { RoutingInput } from '../input.ts';
import { computeForbidden } from '../workload-sessions.ts';
import { communityList } from './peer-filters.ts';
import { metricLines } from './priority.ts';

/** Links of workloads; their routes are the kernel's, made by the agent. */
export const WORKLOAD_LINKS = 'cali*';

function ofFamily(cidrs: readonly Cidr[], family: Family): readonly Cidr[] {
  return cidrs.filter((cidr) => cidrFamily(cidr) === family);
}

/**
 * Sorted text, so that the file depends on the content only. With `+` as BIRD has it what lies in the ranges as well; with both
 * lengths (all that there are) also what they lie in.
 */
function prefixSet(cidrs: readonly Cidr[], suffix: '' | '+' | `{0,${32 | 128}}`): string {
  return `[ ${[...new Set(cidrs.map((cidr) => `${formatCidr(cidr)}${suffix}`))].sort().join(', ')} ]`;
}

function poolSet(input: RoutingInput, family: Family, wanted: (pool: RoutingInput['pools'][number]) => boolean) {
  const cidrs = ofFamily(
    input.pools.filter(wanted).map(({ cidr }) => cidr),
    family,
  );
  return cidrs.length === 0 ? undefined : prefixSet(cidrs, '+');
}

function advertisementLines(input: RoutingInput, family: Family): readonly string[] {
  return input.bgp.advertisements
    .filter(({ cidr }) => cidrFamily(cidr) === family)
    .flatMap(({ cidr, communities }) => [
      `  if net ~ ${prefixSet([cidr], '+')} then {`,
      ...communities.map((community) => `    ${communityList(community)}.add((${community.join(', ')}));`),
      '  }',
    ]);
}

/** Blocks of more than one address; a block of one is its workload's route. */
export function wholeBlocks(input: RoutingInput, family: Family): readonly Cidr[] {
  return ofFamily(input.ownBlocks, family).filter(({ prefixLength }) => prefixLength < bitsOf(family));
}

function ownBlockLines(input: RoutingInput, family: Family): readonly string[] {
  const blocks = ofFamily(input.ownBlocks, family);
  if (blocks.length === 0) return [];
  return [
    '  # own blocks go out whole; of their addresses only those that another node has borrowed',
    `  if net ~ ${prefixSet(blocks, '')} then accept;`,
    `  if net ~ ${prefixSet(blocks, '+')} && source != RTS_BGP then reject;`,
  ];
}

/** What is exported to peers: own blocks, single addresses of workloads outside of them, and what BGP brought. Nothing but pools. */
export function exportFunction(input: RoutingInput, family: Family): readonly string[] {
  const secret = poolSet(input, family, ({ exported }) => !exported);
  const open = poolSet(input, family, ({ exported }) => exported);
  return [
    `function to_peers_v${family}() {`,
    ...(secret === undefined ? [] : ['  # pools with disableBGPExport', `  if net ~ ${secret} then reject;`]),
    ...advertisementLines(input, family),
    ...ownBlockLines(input, family),
    ...(open === undefined
      ? []
      : [`  if (source = RTS_BGP || ifname ~ "${WORKLOAD_LINKS}") && net ~ ${open} then accept;`]),
    '  reject;',
    '}',
  ];
}

function encryptedPeerLines({ encryptedPeers = [] }: RoutingInput, family: Family): readonly string[] {
  const own = encryptedPeers
    .filter((address) => familyOf(address) === family)
    .map(formatIp)
    .sort();
  return own.length === 0
    ? []
    : [
        '  # the agent makes the routes to those, into the tunnel that encrypts',
        `  if gw ~ [ ${own.join(', ')} ] then reject;`,
      ];
}

/**
 * What is not a workload's to announce is taken from none, nor a wider range that has it as well, nor a way by way of somebody else.
 * `own` is its address.
 */
export function workloadFunction(input: RoutingInput, family: Family): readonly string[] {
  const forbidden = computeForbidden(input, family);
  return [
    `function from_workload_v${family}(ip own) {`,
    '  if bgp_next_hop != own then reject;',
    ...(forbidden.length === 0 ? [] : [`  if net ~ ${prefixSet(forbidden, `{0,${bitsOf(family)}}`)} then reject;`]),
    '}',
  ];
}

/**
 * What goes into the kernel: own blocks as blackholes, gateways of peers, and what BGP brought, from whomever, but for pools
 * whose routes are not BIRD's to make.
 */
export function kernelFilter(input: RoutingInput, family: Family): readonly string[] {
  const { programsRoutes, normalPriority } = input.bgp;
  const others = poolSet(input, family, ({ encapsulation }) => encapsulation !== 'none' || !programsRoutes);
  return [
    `filter to_kernel_v${family} {`,
    ...(others === undefined ? [] : ['  # pools whose routes the agent makes', `  if net ~ ${others} then reject;`]),
    '  if source = RTS_STATIC then accept;',
    '  if source != RTS_BGP then reject;',
    ...encryptedPeerLines(input, family),
    ...metricLines(family, normalPriority[family]),
    '  accept;',
    '}',
  ];
}
