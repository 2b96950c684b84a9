// A host and pods as network namespaces, joined by pairs of interfaces as workloads are, and ways to send packets.

import { formatIp, type Ip, isIpv4, parseIp } from '../../../src/net/ip.ts';
import { bytesOfIp, bytesOfU16, bytesToArray } from '../../../src/nftables/bytes.ts';
import { ANY_SIDE, type EndpointPolicy, type PolicyChange, type RuleList } from '../../../src/policy/types/types.ts';
import { close, connect, send, socket } from '../../../src/sys/libc.ts';
import { allowing } from './firewall-cases.ts';
import { addNetns, inNetns, run, runIn } from './firewall-net.ts';

export interface Pod {
  readonly netns: string;
  readonly interfaceName: string;
  readonly ipv4: Ip;
  readonly ipv6: Ip;
}

/** The host's address that pods can name. */
export const HOST_IPV4 = parseIp('10.65.255.1');
export const HOST_IPV6 = parseIp('fd00:65::ffff');

export function addHost(): string {
  const host = addNetns();
  const script = `
    ip link set lo up
    ip address add ${formatIp(HOST_IPV4)}/32 dev lo
    ip address add ${formatIp(HOST_IPV6)}/128 dev lo
    sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 net.ipv6.conf.default.accept_dad=0`;
  runIn(host, ['sh', '-ec', script]);
  return host;
}

/** Number 1 to 254: addresses 10.65.0.<number> and fd00:65::<number>, interface cali<number>. */
export function addPod(host: string, number: number): Pod {
  const pod: Pod = {
    netns: addNetns(),
    interfaceName: `cali${number}`,
    ipv4: parseIp(`10.65.0.${number}`),
    ipv6: parseIp(`fd00:65::${number}`),
  };
  run(['ip', '-n', host, 'link', 'add', pod.interfaceName, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', pod.netns]);
  const hostScript = `
    sysctl -qw net.ipv4.conf.${pod.interfaceName}.proxy_arp=1 net.ipv4.neigh.${pod.interfaceName}.proxy_delay=0
    ip link set ${pod.interfaceName} address ee:ee:ee:ee:ee:ee
    ip address add fe80::1/64 dev ${pod.interfaceName} nodad
    ip link set ${pod.interfaceName} up
    ip route add ${formatIp(pod.ipv4)}/32 dev ${pod.interfaceName}
    ip route add ${formatIp(pod.ipv6)}/128 dev ${pod.interfaceName}
    ip route replace default dev lo`;
  runIn(host, ['sh', '-ec', hostScript]);
  const podScript = `
    sysctl -qw net.ipv6.conf.eth0.accept_dad=0
    ip link set lo up
    ip link set eth0 up
    ip address add ${formatIp(pod.ipv4)}/32 dev eth0
    ip address add ${formatIp(pod.ipv6)}/128 dev eth0 nodad
    ip neigh replace fe80::1 lladdr ee:ee:ee:ee:ee:ee nud permanent dev eth0
    ip route add 169.254.1.1 dev eth0
    ip route add default via 169.254.1.1
    ip route add default via fe80::1 dev eth0`;
  runIn(pod.netns, ['sh', '-ec', podScript]);
  return pod;
}

/** Whether an echo request is answered within 0.2 seconds. */
export function pings(netns: string, to: Ip, from?: Ip): boolean {
  const source = from === undefined ? [] : ['-I', formatIp(from)];
  const command = ['ip', 'netns', 'exec', netns, 'ping', '-c1', '-W0.2', ...source, formatIp(to)];
  return Bun.spawnSync(command, { timeout: 10_000 }).exitCode === 0;
}

export type Connection = 'open' | 'refused' | 'timeout';

/** What becomes of a TCP connection within 0.3 seconds. */
export function connects(netns: string, to: Ip, port: number): Connection {
  const script = `exec 3<>/dev/tcp/${formatIp(to)}/${port}`;
  const result = Bun.spawnSync(['ip', 'netns', 'exec', netns, 'timeout', '0.3', 'bash', '-c', script], {
    timeout: 10_000,
  });
  return result.exitCode === 0 ? 'open' : result.exitCode === 124 ? 'timeout' : 'refused';
}

const SOCK_RAW = 3;
const SOCK_DGRAM = 2;

/** An IPv4 or IPv6 socket address; 10.65.0.1 and port in network order. */
export function socketAddress(to: Ip, port: number): Uint8Array {
  const family = isIpv4(to) ? '\x02\0' : '\x0a\0';
  const address = isIpv4(to) ? bytesOfIp(to) : `\0\0\0\0${bytesOfIp(to)}\0\0\0\0`;
  return bytesToArray((family + bytesOfU16(port) + address).padEnd(isIpv4(to) ? 16 : 28, '\0'));
}

/** One packet of an IP protocol by a raw socket, from the namespace's own address. */
export function sendRaw(netns: string, to: Ip, protocol: number, payload: Uint8Array): void {
  inNetns(netns, () => {
    const fd = socket(isIpv4(to) ? 2 : 10, SOCK_RAW, protocol);
    try {
      connect(fd, socketAddress(to, 0));
      send(fd, payload);
    } finally {
      close(fd);
    }
  });
}

/** One UDP packet from an unprivileged port. */
export function sendUdp(netns: string, to: Ip, port: number): void {
  inNetns(netns, () => {
    const fd = socket(isIpv4(to) ? 2 : 10, SOCK_DGRAM, 0);
    try {
      connect(fd, socketAddress(to, port));
      send(fd, new Uint8Array(8));
    } finally {
      close(fd);
    }
  });
}

interface ListedRule {
  readonly rule?: {
    readonly chain: string;
    readonly comment?: string;
    readonly expr: readonly { readonly counter?: { readonly packets: number } }[];
  };
}

/** Packets that the rules with a comment have counted. */
export function countOf(host: string, comment: string): number {
  const listed = JSON.parse(runIn(host, ['nft', '-j', 'list', 'table', 'inet', 'ocicat'])) as {
    nftables: ListedRule[];
  };
  const rules = listed.nftables.flatMap(({ rule }) => (rule?.comment === comment ? [rule] : []));
  return rules.flatMap(({ expr }) => expr).reduce((sum, { counter }) => sum + (counter?.packets ?? 0), 0);
}

/** A profile as the CNI plugin makes it: everything out, from the set's members in. */
function networkProfile(name: string, set: string): RuleList {
  const ingress = [allowing({ source: { ...ANY_SIDE, ipSets: [set] } })];
  return { id: `Profile//${name}`, ingress, egress: [allowing()] };
}

export function endpointOf(pod: Pod, profile: string, more: Partial<EndpointPolicy> = {}): EndpointPolicy {
  return {
    id: `default/${pod.interfaceName}`,
    interfaceName: pod.interfaceName,
    mac: undefined,
    addresses: [pod.ipv4, pod.ipv6],
    allowedSources: [],
    tiers: [],
    profiles: [`Profile//${profile}`],
    ...more,
  };
}

/** A network: its set of addresses, its profile and its endpoints. */
export function networkOf(name: string, pods: readonly Pod[]): readonly PolicyChange[] {
  const members = pods.flatMap(({ ipv4, ipv6 }) => [ipv4, ipv6]);
  return [
    { kind: 'set-added', id: `s:${name}`, type: 'address', members },
    { kind: 'rules-set', list: networkProfile(name, `s:${name}`) },
    ...pods.map((pod): PolicyChange => ({ kind: 'endpoint-set', endpoint: endpointOf(pod, name) })),
  ];
}
