// The links between a lab's hosts, as shell scripts: a bridge for each segment, and a router between them that carries, as a
// cloud's does, packets from hosts of a segment to hosts of another, and drops those of anybody else's addresses.
import { type LabFamily, type LabNode, type LabPlan, type LabSegment, PREFIX_LENGTHS } from './plan.ts';

const IP_COMMANDS: Readonly<Record<LabFamily, string>> = { ipv4: 'ip -4', ipv6: 'ip -6' };
const FORWARDING = {
  ipv4: '/proc/sys/net/ipv4/ip_forward',
  ipv6: '/proc/sys/net/ipv6/conf/all/forwarding',
} as const;

/** Usable at once: nobody else can have it. */
function addressLine(family: LabFamily, address: string, device: string): string {
  const flag = family === 'ipv6' ? ' nodad' : '';
  return `${IP_COMMANDS[family]} address add ${address}/${PREFIX_LENGTHS[family]} dev ${device}${flag}`;
}

/** One of its own: without it a bridge has the lowest of its links, and is another router when one of them comes or goes. */
function macOf({ number }: LabSegment): string {
  return `02:00:00:00:99:${number.toString(16).padStart(2, '0')}`;
}

function segmentLines(segment: LabSegment): readonly string[] {
  const { bridge, subnets } = segment;
  return [
    `ip link add ${bridge} address ${macOf(segment)} type bridge`,
    ...subnets.map(({ family, gateway }) => addressLine(family, gateway, bridge)),
    `ip link set ${bridge} up`,
  ];
}

/** What comes from a segment with an address of it is looked up among the subnets; all else goes nowhere, without a word. */
function routerLines({ bridge, subnets }: LabSegment): readonly string[] {
  return subnets.flatMap(({ family, range }) => [
    `${IP_COMMANDS[family]} rule add pref 100 iif ${bridge} from ${range} lookup main`,
    `${IP_COMMANDS[family]} rule add pref 200 iif ${bridge} blackhole`,
  ]);
}

/** Run in the lab's own network namespace. */
export function printSegmentsScript({ segments, families }: LabPlan): string {
  const router = [...segments.flatMap(routerLines), ...families.map((family) => `echo 1 >${FORWARDING[family]}`)];
  return [
    'set -e',
    'ip link set lo up',
    ...segments.flatMap(segmentLines),
    ...(segments.length > 1 ? router : []),
  ].join('\n');
}

export function segmentOf(plan: LabPlan, node: LabNode): LabSegment {
  const segment = plan.segments[node.segment - 1];
  if (segment === undefined) throw new Error(`no segment ${node.segment}`);
  return segment;
}

/** Run on a host, which has its end of the link as eth0. It starts as Debian does: forwarding is the agent's to switch on. */
export function printUplinkScript(plan: LabPlan, node: LabNode): string {
  const { subnets } = segmentOf(plan, node);
  return [
    'set -e',
    'ip link set lo up',
    ...subnets.map(({ family }, index) => addressLine(family, node.addresses[index] ?? '', 'eth0')),
    'ip link set eth0 up',
    ...subnets.map(({ family, gateway }) => `${IP_COMMANDS[family]} route add default via ${gateway}`),
    ...Object.values(FORWARDING).map((file) => `[ ! -e ${file} ] || echo 0 >${file}`),
  ].join('\n');
}
