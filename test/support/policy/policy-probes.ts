// Single packets between pods by raw sockets, each with a number of its own, and which of them arrived.
import { OcicatError } from '../../../src/base/errors.ts';
import { formatIp, isIpv4 } from '../../../src/net/ip.ts';
import { PROTOCOL_ICMP, PROTOCOL_ICMPV6, PROTOCOL_TCP, PROTOCOL_UDP } from '../../../src/net/protocol.ts';
import type { Packet } from '../../../src/policy/oracle/packet.ts';
import { close, connect, O_NONBLOCK, recv, send, socket } from '../../../src/sys/libc.ts';
import { inNetns, run, runIn } from '../firewall/firewall-net.ts';
import { type Pod, socketAddress } from '../firewall/firewall-pods.ts';

const SOCK_RAW = 3;
const EPERM = 1;
/** Numbers stand in the source port, or in the identifier of an echo request; answers never have one there. */
const FIRST_NUMBER = 1024;
const ECHO_REQUESTS = new Set([8, 128]);

export interface Probe {
  readonly from: number;
  readonly to: number;
  readonly packet: Packet;
}

interface Receiver {
  readonly fd: number;
  readonly family: 4 | 6;
  readonly protocol: number;
}

export interface Probes {
  readonly all: readonly Probe[];
  /** Sends each once; for each, whether it arrived. */
  send(): readonly boolean[];
  close(): void;
}

const KINDS = [
  { protocol: PROTOCOL_TCP, port: 80 },
  { protocol: PROTOCOL_TCP, port: 53 },
  { protocol: PROTOCOL_UDP, port: 53 },
  { protocol: PROTOCOL_UDP, port: 80 },
  { protocol: 0, port: 0 },
];

/** From every pod to every other, in both families, of every kind. */
function computeProbes(pods: readonly Pick<Pod, 'ipv4' | 'ipv6'>[]): readonly Probe[] {
  const indices = [...pods.keys()];
  const pairs = indices.flatMap((from) => indices.filter((to) => to !== from).map((to) => ({ from, to })));
  const routes = pairs.flatMap((pair) => (['ipv4', 'ipv6'] as const).map((family) => ({ ...pair, family })));
  const ways = routes.flatMap((route) => KINDS.map((kind) => ({ ...route, ...kind })));
  return ways.map(({ from, to, family, protocol, port }, index) => {
    const ends = { source: mustHave(pods, from)[family], destination: mustHave(pods, to)[family] };
    const icmp =
      family === 'ipv4' ? { protocol: PROTOCOL_ICMP, icmpType: 8 } : { protocol: PROTOCOL_ICMPV6, icmpType: 128 };
    const packet: Packet =
      protocol === 0
        ? { ...ends, ...icmp, icmpCode: 0 }
        : { ...ends, protocol, sourcePort: FIRST_NUMBER + index, destinationPort: port };
    return { from, to, packet };
  });
}

function mustHave<T>(list: readonly T[], index: number): T {
  const item = list[index];
  if (item === undefined) throw new Error(`no item ${index}`);
  return item;
}

/** Only as much of the header as filters look at. */
function bytesOf({ protocol, destinationPort = 0, icmpType = 0 }: Packet, number: number): Uint8Array {
  const bytes = new Uint8Array(20);
  const view = new DataView(bytes.buffer);
  if (protocol === PROTOCOL_ICMP || protocol === PROTOCOL_ICMPV6) {
    view.setUint8(0, icmpType);
    view.setUint16(4, number);
    if (protocol === PROTOCOL_ICMP) view.setUint16(2, icmpChecksum(bytes));
    return bytes;
  }
  view.setUint16(0, number);
  view.setUint16(2, destinationPort);
  if (protocol === PROTOCOL_UDP) view.setUint16(4, bytes.length);
  else view.setUint16(12, 0x5002); // a header of five words, SYN
  return bytes;
}

function icmpChecksum(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer);
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 2) sum += view.getUint16(at);
  return ~((sum & 0xffff) + (sum >>> 16)) & 0xffff;
}

/** The number of a probe; undefined for any other packet. */
function numberIn(datagram: Uint8Array, { family, protocol }: Receiver): number | undefined {
  const view = new DataView(datagram.buffer, datagram.byteOffset, datagram.byteLength);
  const start = family === 4 ? (view.getUint8(0) & 15) * 4 : 0;
  const isIcmp = protocol === PROTOCOL_ICMP || protocol === PROTOCOL_ICMPV6;
  if (!isIcmp) return view.getUint16(start);
  return ECHO_REQUESTS.has(view.getUint8(start)) ? view.getUint16(start + 4) : undefined;
}

const buffer = new Uint8Array(2048);

function drain(receiver: Receiver): readonly number[] {
  const numbers: number[] = [];
  for (;;) {
    try {
      const number = numberIn(buffer.subarray(0, recv(receiver.fd, buffer)), receiver);
      if (number !== undefined) numbers.push(number);
    } catch {
      return numbers;
    }
  }
}

/**
 * An error that an earlier packet's rejection has left is answered first, in place of sending. A packet that the sender's own
 * rules drop is refused, and does not arrive.
 */
function sendSurely(fd: number, bytes: Uint8Array): void {
  for (const isLast of [false, true]) {
    try {
      send(fd, bytes);
      return;
    } catch (error) {
      if (isLast && !(error instanceof OcicatError && error.errno === EPERM)) throw error;
    }
  }
}

/** Neighbours are fixed, so that no packet waits for an answer, and connection tracking leaves probes out. */
function prepare(host: string, pods: readonly Pod[]): void {
  const macOf = (netns: string, name: string) => runIn(netns, ['cat', `/sys/class/net/${name}/address`]).trim();
  for (const { netns, interfaceName, ipv4, ipv6 } of pods) {
    const [inside, outside] = [macOf(netns, 'eth0'), macOf(host, interfaceName)];
    for (const [address, mac, where, device] of [
      [ipv4, inside, host, interfaceName],
      [ipv6, inside, host, interfaceName],
      ['169.254.1.1', outside, netns, 'eth0'],
      ['fe80::1', outside, netns, 'eth0'],
    ] as const) {
      const text = typeof address === 'string' ? address : formatIp(address);
      run(['ip', '-n', where, 'neigh', 'replace', text, 'lladdr', mac, 'dev', device, 'nud', 'permanent']);
    }
  }
  const first = 'type filter hook prerouting priority -310; meta l4proto { tcp, udp, icmp, icmpv6 } notrack;';
  runIn(host, ['nft', '-f', '-'], `table inet probes { chain first { ${first} }; }`);
}

export function openProbes(host: string, pods: readonly Pod[]): Probes {
  prepare(host, pods);
  return openReadyProbes(pods);
}

/** Between ends whose neighbours are known, and where no flow is remembered. */
export function openReadyProbes(pods: readonly Pick<Pod, 'netns' | 'ipv4' | 'ipv6'>[]): Probes {
  const all = computeProbes(pods);
  const protocols = [
    [4, PROTOCOL_TCP],
    [4, PROTOCOL_UDP],
    [4, PROTOCOL_ICMP],
    [6, PROTOCOL_TCP],
    [6, PROTOCOL_UDP],
    [6, PROTOCOL_ICMPV6],
  ] as const;
  const open = (pod: Pick<Pod, 'netns'>, family: 4 | 6, protocol: number): number =>
    inNetns(pod.netns, () => socket(family === 4 ? 2 : 10, SOCK_RAW | O_NONBLOCK, protocol));
  const receivers = pods.map((pod) =>
    protocols.map(([family, protocol]): Receiver => ({ family, protocol, fd: open(pod, family, protocol) })),
  );
  const senders = all.map(({ from, packet }) => {
    const fd = open(mustHave(pods, from), isIpv4(packet.destination) ? 4 : 6, packet.protocol);
    connect(fd, socketAddress(packet.destination, 0));
    return fd;
  });
  return {
    all,
    send() {
      for (const fd of receivers.flat()) drain(fd);
      for (const [index, { packet }] of all.entries())
        sendSurely(mustHave(senders, index), bytesOf(packet, FIRST_NUMBER + index));
      const arrived = receivers.map((list) => new Set(list.flatMap(drain)));
      return all.map(({ to }, index) => mustHave(arrived, to).has(FIRST_NUMBER + index));
    },
    close() {
      for (const { fd } of receivers.flat()) close(fd);
      for (const fd of senders) close(fd);
    },
  };
}
