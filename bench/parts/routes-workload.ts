// A cluster of hosts with blocks of a VXLAN pool: as its nodes and blocks say it, and as lines for ip and bridge that make the same.
import { parseCidr } from '../../src/net/cidr.ts';
import { formatIp, ipv4Of, parseIp } from '../../src/net/ip.ts';
import { macFromBytes } from '../../src/net/mac.ts';
import type { NodeEnd } from '../../src/routing/cluster-input.ts';
import { createRouteCalculation, type RouteCalculation } from '../../src/routing/route-calculation.ts';

const OWN = 'host-0';
const MTU_BYTES = 1450;
const POOL = '10.0.0.0/8';

const nodeName = (host: number) => `host-${host}`;
const underlayOf = (host: number) => `172.16.${(host + 1) >> 8}.${(host + 1) & 255}`;
/** The first address of the host's first block. */
const insideOf = (host: number, each: number) => ipv4Of(0x0a000000 + host * each * 64);
const macOf = (host: number) => macFromBytes(Uint8Array.of(0x66, 0, 0, 0, host >> 8, host & 255));
const blockOf = (number: number) => `${formatIp(ipv4Of(0x0a000000 + number * 64))}/26`;

export interface ClusterSize {
  /** Beside this host. */
  readonly hosts: number;
  /** Of each. */
  readonly blocks: number;
}

function endOf(host: number, blocks: number): NodeEnd {
  const vxlan = { address: insideOf(host, blocks), mac: macOf(host) };
  return { underlay: { address: parseIp(underlayOf(host)), prefixLength: 12 }, vxlan, ipip: undefined };
}

/** What a host and its blocks say; `isThere`: or that they are gone. */
export function sayHost(calculation: RouteCalculation, { blocks }: ClusterSize, host: number, isThere: boolean): void {
  calculation.setNode(nodeName(host), isThere ? { 4: endOf(host, blocks), 6: undefined } : undefined);
  for (let number = host * blocks; number < (host + 1) * blocks; number += 1) {
    const holders = { cidr: parseCidr(blockOf(number)), node: nodeName(host), borrowed: [] };
    calculation.setBlock(blockOf(number), isThere ? holders : undefined);
  }
}

/** The calculation as it is once all has been said to it and nothing been asked. */
export function sayCluster(size: ClusterSize): RouteCalculation {
  const calculation = createRouteCalculation(OWN);
  calculation.setPools([{ cidr: parseCidr(POOL), encapsulation: 'vxlan', exported: true }]);
  calculation.setSettings({
    ...{ makes: { none: false, ipip: false, vxlan: undefined }, vni: 4096, port: 4789, ipipMtuBytes: undefined },
    vxlanMtuBytes: { 4: MTU_BYTES, 6: undefined },
  });
  for (let host = 0; host <= size.hosts; host += 1) sayHost(calculation, size, host, true);
  return calculation;
}

/** What a host's uplink is. */
export const UPLINK = [
  'link add uplink type veth peer name segment',
  'link set segment up',
  `addr add ${underlayOf(0)}/12 dev uplink`,
  'link set uplink up',
];

/** The same tunnel, routes, neighbours and entries, as `ip -batch` and `bridge -batch` take them. */
export function printLines({ hosts, blocks }: ClusterSize): Readonly<Record<'ip' | 'bridge', string>> {
  const device = 'vxlan.calico';
  const make = [
    `link add ${device} address ${macOf(0)} type vxlan id 4096 dstport 4789 nolearning local ${underlayOf(0)} dev uplink`,
    `link set ${device} mtu ${MTU_BYTES} up`,
    `addr add ${formatIp(insideOf(0, blocks))}/32 dev ${device}`,
  ];
  const others = Array.from({ length: hosts }, (_, at) => at + 1);
  const neighbours = others.map(
    (host) => `neigh add ${formatIp(insideOf(host, blocks))} lladdr ${macOf(host)} dev ${device} nud permanent`,
  );
  const routes = others.flatMap((host) =>
    Array.from({ length: blocks }, (_, at) => {
      const via = formatIp(insideOf(host, blocks));
      return `route add ${blockOf(host * blocks + at)} via ${via} dev ${device} onlink proto 80 metric 1024`;
    }),
  );
  const entries = others.map((host) => `fdb add ${macOf(host)} dev ${device} dst ${underlayOf(host)} self permanent`);
  return { ip: [...make, ...neighbours, ...routes].join('\n'), bridge: entries.join('\n') };
}
