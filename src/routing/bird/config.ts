// The configuration of BIRD 2 for a node, both families in one file (Calico v3.33, confd/etc/calico/confd/templates).
import { formatCidr, hostCidr } from '../../net/cidr.ts';
import { compareIps, type Family, formatIp } from '../../net/ip.ts';
import { findClosedPeers } from '../closed-peers.ts';
import { IPIP_LINK, VXLAN_LINKS } from '../cluster-routes.ts';
import type { RoutingInput } from '../input.ts';
import { computeRouterId } from '../router-id.ts';
import { type BgpSession, nodeAddress } from '../session.ts';
import { computeSessions } from '../sessions.ts';
import { exportFunction, kernelFilter, WORKLOAD_LINKS, wholeBlocks, workloadFunction } from './filters.ts';
import { filterFunctions, quotePattern } from './peer-filters.ts';
import { preferenceFunction } from './priority.ts';
import { sessionLines, sessionTemplate } from './sessions.ts';

/**
 * After a restart BIRD tells its peers nothing until every session is up again, or for this long: they keep what they know
 * (RFC 4724, section 4.1). A peer that waits to be called has called by then.
 */
const RECOVERY_SECONDS = 5;

/** Never used for reaching next hops: workloads, and devices whose routes the agent makes. */
const INNER_LINKS = [WORKLOAD_LINKS, IPIP_LINK, VXLAN_LINKS[4], VXLAN_LINKS[6], 'wireguard.cali', 'wg-v6.cali'];

/** `calicoctl node status` reads them. */
function noteLines(input: RoutingInput, leftOut: ReadonlyMap<string, string>): readonly string[] {
  const notes = [
    ...[...leftOut].map(([part, reason]) => `# left out: ${part}: ${reason}`).sort(),
    ...findClosedPeers(input).map((reason) => `# closed: ${reason}`),
  ];
  return notes.map((line) => line.replaceAll(/[^\x20-\x7e]/g, '?'));
}

function headerLines(input: RoutingInput, leftOut: ReadonlyMap<string, string>): readonly string[] {
  const { logLevel } = input.bgp;
  return [
    '# Written by calico-node, and written anew when the cluster changes.',
    ...noteLines(input, leftOut),
    `router id ${formatIp(computeRouterId(input))};`,
    'log stderr all;',
    'timeformat protocol iso short;',
    `graceful restart wait ${RECOVERY_SECONDS};`,
    ...(logLevel === 'none' ? [] : [`debug protocols ${logLevel === 'debug' ? 'all' : '{ states }'};`]),
    '',
    'protocol device {',
    '  scan time 2;',
    '}',
    '',
    'protocol direct {',
    '  ipv4;',
    '  ipv6;',
    `  interface ${[...input.bgp.ignoredInterfaces, ...INNER_LINKS].map((name) => `-${quotePattern(name)}`).join(', ')}, "*";`,
    '}',
  ];
}

/** Kernel routes of workloads are learned, and win over what BGP says about the same address. */
function kernelLines(family: Family): readonly string[] {
  return [
    `protocol kernel kernel_v${family} {`,
    '  learn;',
    '  persist;',
    '  scan time 1;',
    '  merge paths on;',
    '  metric 0;',
    `  ipv${family} {`,
    `    import filter { if ifname ~ "${WORKLOAD_LINKS}" then preference = 200; accept; };`,
    `    export filter to_kernel_v${family};`,
    '  };',
    '}',
  ];
}

/**
 * Where the next hops of BGP's routes are looked up: all routes of the host itself. BIRD looks at the best route alone, and at none
 * from BGP: where that were the default route, no peer behind the host's own one could be reached.
 */
function nextHopLines(family: Family): readonly string[] {
  return [
    `ipv${family} table hops_v${family};`,
    '',
    `protocol pipe to_hops_v${family} {`,
    `  table master${family};`,
    `  peer table hops_v${family};`,
    `  export where source != RTS_BGP && ifname !~ "${WORKLOAD_LINKS}";`,
    '  import none;',
    '}',
  ];
}

function staticLines(name: string, family: Family, routes: readonly string[]): readonly string[] {
  if (routes.length === 0) return [];
  const lines = [...new Set(routes)].sort().map((route) => `  route ${route};`);
  return ['', `protocol static ${name}_v${family} {`, `  ipv${family};`, ...lines, '}'];
}

function gatewayRoutes(sessions: readonly BgpSession[]): readonly string[] {
  return sessions.flatMap(({ address, reachableBy }) =>
    reachableBy === undefined ? [] : [`${formatCidr(hostCidr(address))} via ${formatIp(reachableBy)}`],
  );
}

function familyLines(family: Family, input: RoutingInput): readonly string[] {
  const own = input.nodes.find(({ name }) => name === input.nodeName);
  const blocks = [...wholeBlocks(input, family)].sort((a, b) => compareIps(a.address, b.address));
  const sessions = computeSessions(input, family);
  const base = [
    '',
    `# IPv${family}`,
    '',
    ...nextHopLines(family),
    '',
    ...kernelFilter(input, family),
    '',
    ...kernelLines(family),
    ...staticLines(
      'blocks',
      family,
      blocks.map((block) => `${formatCidr(block)} blackhole`),
    ),
    ...staticLines('gateways', family, gatewayRoutes(sessions)),
    '',
  ];
  if (own === undefined || nodeAddress(own, family) === undefined)
    return [...base, `# The node has no IPv${family} address for BGP.`];
  return [
    ...base,
    ...preferenceFunction(family, input.bgp.normalPriority[family]),
    '',
    ...exportFunction(input, family),
    '',
    ...(sessions.some(({ isWorkload }) => isWorkload) ? [...workloadFunction(input, family), ''] : []),
    ...filterFunctions(input, sessions, family),
    ...sessionTemplate(family, input.bgp.logLevel === 'debug'),
    ...sessions.flatMap((session) => ['', ...sessionLines(session, own, family, input)]),
  ];
}

/**
 * The whole file; equal input content gives equal text, in whatever order it comes. `leftOut`: what BIRD would refuse
 * and is not in the input, with BIRD's reason for each. Throws `invalid` for an interface pattern that BIRD cannot take.
 */
export function computeBirdConfig(input: RoutingInput, leftOut: ReadonlyMap<string, string> = new Map()): string {
  return `${[...headerLines(input, leftOut), ...familyLines(4, input), ...familyLines(6, input)].join('\n')}\n`;
}
