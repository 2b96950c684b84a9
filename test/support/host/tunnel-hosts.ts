// Two hosts on a segment and a pod behind each, in namespaces of their own: what is tunnelled between them is real.
import { type DesiredPath, type PathState, pathKey } from '../../../src/kernel/reconcile/path-state.ts';
import { openPaths, type PathOutcome, type Paths } from '../../../src/kernel/reconcile/paths.ts';
import { formatRoute, TABLE_MAIN } from '../../../src/kernel/route/routes.ts';
import { formatCidr, parseCidr } from '../../../src/net/cidr.ts';
import { type Family, formatIp, parseIp } from '../../../src/net/ip.ts';
import { parseMac } from '../../../src/net/mac.ts';
import * as libc from '../../../src/sys/libc.ts';
import { createNetns, withNetns } from '../../../src/sys/netns.ts';

export const TUNNEL = 'vxlan.calico';
/** Of the two hosts, by the family of the underlay. */
const UNDERLAY = { 4: ['10.99.0.1', '10.99.0.2'], 6: ['fd99::1', 'fd99::2'] } as const;
const TUNNEL_ADDRESS = ['192.168.0.1', '192.168.64.1', 'fd00:a::1', 'fd00:b::1'] as const;
const POD = ['192.168.0.9', '192.168.64.9', 'fd00:a::9', 'fd00:b::9'] as const;
const MACS = ['66:00:00:00:00:0a', '66:00:00:00:00:0b'] as const;

export interface TunnelHosts {
  /** A shell's output in host 0 or 1, or in its pod. */
  readonly run: (host: 0 | 1, command: string) => string;
  readonly runInPod: (host: 0 | 1, command: string) => string;
  /** The same of a command that takes its time. */
  readonly startInPod: (host: 0 | 1, command: string) => Promise<string>;
  /** What a host wants of the tunnel and of the ways to the other one. */
  readonly desired: (host: 0 | 1, changes?: Partial<StateChanges>) => PathState;
  readonly reconcile: (host: 0 | 1, state: PathState) => readonly string[];
  readonly paths: (host: 0 | 1) => Paths;
  /** The namespace of a host. */
  readonly netns: (host: 0 | 1) => number;
  /** Whether the pod of host 0 reaches that of host 1. */
  readonly reaches: (family: Family, payloadBytes?: number) => boolean;
  readonly close: () => void;
}

interface StateChanges {
  readonly vni: number;
  readonly port: number;
  readonly underlay: Family;
  readonly mtuBytes: number;
  readonly routes: readonly DesiredPath[];
}

/** One line for each thing that was not as wanted. */
export function describeOutcome({ tunnels, paths, failures }: PathOutcome): readonly string[] {
  return [
    ...tunnels.removed.map(({ name }) => `-link ${name}`),
    ...tunnels.made.map(({ name }) => `+link ${name}`),
    ...tunnels.corrected.map(({ name }) => `link ${name}`),
    ...paths.addresses.set.map(({ address }) => `+address ${formatCidr(address)}`),
    ...paths.addresses.removed.map(({ address }) => `-address ${formatCidr(address)}`),
    ...paths.forwarding.set.map(({ mac, underlay }) => `+fdb ${mac} ${formatIp(underlay)}`),
    ...paths.forwarding.removed.map(({ mac, underlay }) => `-fdb ${mac} ${formatIp(underlay)}`),
    ...paths.neighbours.set.map(({ address }) => `+neighbour ${formatIp(address)}`),
    ...paths.neighbours.removed.map(({ address }) => `-neighbour ${formatIp(address)}`),
    ...paths.routes.set.map((route) => `+route ${formatCidr(route.destination)}`),
    ...paths.routes.replaced.map((route) => `~route ${formatCidr(route.destination)}`),
    ...paths.routes.removed.map((route) => `-route ${formatRoute(route)}`),
    ...paths.rules.set.map(({ priority }) => `+rule ${priority}`),
    ...paths.rules.removed.map(({ priority }) => `-rule ${priority}`),
    ...failures.map(({ message }) => message),
  ];
}

export function pathTo(destination: string, way: DesiredPath['way'], table = TABLE_MAIN): DesiredPath {
  return { destination: parseCidr(destination), table, way };
}

function shell(netns: number, command: string): string {
  const { stdout, stderr } = withNetns(netns, () => Bun.spawnSync(['sh', '-c', command]));
  return `${stdout}${stderr}`.replaceAll(/[ \t]+$/gm, '').trim();
}

function stateOf(host: 0 | 1, changes: Partial<StateChanges>): PathState {
  const { vni = 4096, port = 4789, underlay = 4, mtuBytes, routes = [] } = changes;
  const other = host === 0 ? 1 : 0;
  const through = { kind: 'name', name: TUNNEL } as const;
  const ways: readonly DesiredPath[] = [
    pathTo(`${TUNNEL_ADDRESS[host]}/26`.replace('.1/', '.0/'), { kind: 'blackhole' }),
    pathTo(host === 0 ? 'fd00:a::/112' : 'fd00:b::/112', { kind: 'blackhole' }),
    pathTo(host === 0 ? '192.168.64.0/26' : '192.168.0.0/26', {
      ...{ kind: 'gateway', link: through },
      gateway: parseIp(TUNNEL_ADDRESS[other]),
    }),
    pathTo(host === 0 ? 'fd00:b::/112' : 'fd00:a::/112', {
      ...{ kind: 'gateway', link: through },
      gateway: parseIp(TUNNEL_ADDRESS[other + 2] ?? ''),
    }),
    ...routes,
  ];
  const end = { mac: parseMac(MACS[other]), underlay: parseIp(UNDERLAY[underlay][other]) };
  return {
    tunnels: new Map([
      [
        TUNNEL,
        {
          ...{
            kind: 'vxlan',
            vni,
            port,
            mtuBytes,
            local: parseIp(UNDERLAY[underlay][host]),
            mac: parseMac(MACS[host]),
          },
          addresses: [parseIp(TUNNEL_ADDRESS[host]), parseIp(TUNNEL_ADDRESS[host + 2] ?? '')],
          peers: [
            { ...end, address: parseIp(TUNNEL_ADDRESS[other]) },
            { ...end, address: parseIp(TUNNEL_ADDRESS[other + 2] ?? '') },
          ],
        },
      ],
    ]),
    routes: new Map(ways.map((way) => [pathKey(way), way])),
    rules: [],
  };
}

/** The pod is behind a veth, with a route to it as a workload's. */
const HOST_SETUP = (host: 0 | 1) => `
  ip link set lo up
  sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 net.ipv6.conf.default.accept_dad=0
  ip addr add ${UNDERLAY[4][host]}/24 dev eth0
  ip addr add ${UNDERLAY[6][host]}/64 dev eth0 nodad
  ip link set eth0 up
  ip link set cali0 address ee:ee:ee:ee:ee:ee up
  ip addr add fe80::1/64 dev cali0 nodad
  ip route add ${POD[host]} dev cali0
  ip -6 route add ${POD[host + 2]} dev cali0`;
const POD_SETUP = (host: 0 | 1) => `
  ip link set lo up
  ip addr add ${POD[host]}/32 dev eth0
  ip addr add ${POD[host + 2]}/128 dev eth0 nodad
  ip link set eth0 mtu 1450 up
  ip neigh add 169.254.1.1 lladdr ee:ee:ee:ee:ee:ee dev eth0
  ip neigh add fe80::1 lladdr ee:ee:ee:ee:ee:ee dev eth0
  ip route add 169.254.1.1 dev eth0
  ip route add default via 169.254.1.1
  ip -6 route add default via fe80::1 dev eth0`;

export function createTunnelHosts(): TunnelHosts {
  const hosts = [createNetns(), createNetns()] as const;
  const pods = [createNetns(), createNetns()] as const;
  const path = (fd: number) => `/proc/${process.pid}/fd/${fd}`;
  shell(hosts[0], `ip link add eth0 type veth peer name eth0 netns ${path(hosts[1])}`);
  for (const host of [0, 1] as const) {
    shell(hosts[host], `ip link add cali0 type veth peer name eth0 netns ${path(pods[host])}`);
    shell(hosts[host], HOST_SETUP(host));
    shell(pods[host], POD_SETUP(host));
  }
  shell(hosts[0], `ping -n -c 1 -W 3 ${UNDERLAY[6][1]}`); // the first question for a neighbour waits for a second
  const opened = hosts.map((netns) => withNetns(netns, () => openPaths()));
  const paths = (host: 0 | 1): Paths => {
    const one = opened[host];
    if (one === undefined) throw new Error('closed');
    return one;
  };
  return {
    run: (host, command) => shell(hosts[host], command),
    runInPod: (host, command) => shell(pods[host], command),
    startInPod: (host, command) =>
      new Response(withNetns(pods[host], () => Bun.spawn(['sh', '-c', command], { stdout: 'pipe' })).stdout).text(),
    desired: (host, changes = {}) => stateOf(host, changes),
    reconcile: (host, state) => describeOutcome(withNetns(hosts[host], () => paths(host).reconcile(state))),
    paths,
    netns: (host) => hosts[host],
    reaches: (family, payloadBytes = 56) =>
      shell(pods[0], `ping -n -c 1 -W 1 -M do -s ${payloadBytes} ${POD[family === 4 ? 1 : 3]}`).includes(
        ' 0% packet loss',
      ),
    close() {
      for (const one of opened) one.close();
      for (const fd of [...hosts, ...pods]) libc.close(fd);
    },
  };
}
