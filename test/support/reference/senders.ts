// Sends single packets between places by raw sockets, and tells which arrived, and which were answered.
import { parseIp } from '../../../src/net/ip.ts';
import { bind, close, connect, O_NONBLOCK, poll, recv, send, socket } from '../../../src/sys/libc.ts';
import { socketAddress } from '../firewall/firewall-pods.ts';
import { bytesOf, ICMP, ICMPV6, type Received, recognise, SCTP, TCP, UDP } from './packet-bytes.ts';
import type { Place } from './places.ts';
import type { ReferencePacket } from './rule-match.ts';

const SOCK_RAW = 3;
export const OTHER = 253; // for experiments (RFC 3692)
const PROTOCOLS = { 4: [TCP, UDP, ICMP, SCTP, OTHER], 6: [TCP, UDP, ICMPV6, SCTP, OTHER] } as const;
/** A packet takes less; one that does not arrive is waited for as long. */
const SETTLE_MS = 40;
const POLLIN = 1;

export interface Probe {
  readonly from: Place;
  readonly to: Place;
  readonly packet: ReferencePacket;
}

export interface Outcome {
  readonly arrived: boolean;
  readonly answered: boolean;
}

export interface Senders {
  /** Sends each once. */
  send(probes: readonly Probe[]): readonly Outcome[];
  close(): void;
}

interface Receiver {
  readonly place: Place;
  readonly family: 4 | 6;
  readonly protocol: number;
  readonly fd: number;
}

function openReceivers(place: Place): readonly Receiver[] {
  return place.within(() =>
    ([4, 6] as const).flatMap((family) =>
      PROTOCOLS[family].map((protocol) => ({
        place,
        family,
        protocol,
        fd: socket(family === 4 ? 2 : 10, SOCK_RAW | O_NONBLOCK, protocol),
      })),
    ),
  );
}

const buffer = new Uint8Array(4096);

/** Of IPv4, raw sockets give the header too (raw(7), ipv6(7)). */
function takeOne({ fd, family, protocol }: Receiver): Received | 'other' | undefined {
  try {
    const datagram = buffer.subarray(0, recv(fd, buffer));
    const start = family === 4 ? ((datagram[0] ?? 0) & 15) * 4 : 0;
    return recognise(datagram.subarray(start), protocol) ?? 'other';
  } catch {
    return undefined;
  }
}

function drain(receiver: Receiver): readonly Received[] {
  const all: Received[] = [];
  for (let one = takeOne(receiver); one !== undefined; one = takeOne(receiver)) if (one !== 'other') all.push(one);
  return all;
}

/** Whether the kernel has taken it. An error that an earlier packet's refusal has left is answered first, in place of sending. */
function trySend(fd: number, bytes: Uint8Array): boolean {
  try {
    send(fd, bytes);
    return true;
  } catch {
    return false;
  }
}

/** What a host's own rules drop, its sockets refuse. */
function sendOnce(fd: number, bytes: Uint8Array): void {
  if (!trySend(fd, bytes)) trySend(fd, bytes);
}

export function openSenders(places: readonly Place[]): Senders {
  // the outside and the workloads that live there share a namespace: one set of sockets is enough
  const receivers = places.filter(({ kind }) => kind !== 'remote').flatMap(openReceivers);
  const sockets = new Map<string, number>();
  let next = 1;

  function socketFor({ from, packet }: Probe): number {
    const { source, destination, protocol } = packet;
    const key = `${from.name} ${source} ${destination} ${protocol}`;
    const known = sockets.get(key);
    if (known !== undefined) return known;
    const fd = from.within(() => {
      const opened = socket(source.includes(':') ? 10 : 2, SOCK_RAW | O_NONBLOCK, protocol);
      bind(opened, socketAddress(parseIp(source), 0));
      connect(opened, socketAddress(parseIp(destination), 0));
      return opened;
    });
    sockets.set(key, fd);
    return fd;
  }

  const netnsOf = ({ kind, name }: Place) => (kind === 'remote' ? 'outside' : name);

  /** By place and number. */
  function collect(): ReadonlySet<string> {
    poll(receivers[0]?.fd ?? -1, POLLIN, SETTLE_MS);
    return new Set(
      receivers.flatMap((receiver) =>
        drain(receiver).map(({ number, isAnswer }) => `${receiver.place.name} ${number} ${isAnswer}`),
      ),
    );
  }

  return {
    send(probes) {
      for (const receiver of receivers) drain(receiver);
      const first = next;
      for (const [index, probe] of probes.entries()) {
        sendOnce(socketFor(probe), bytesOf(probe.packet, (first + index) & 0xffff));
      }
      next += probes.length;
      const seen = collect();
      return probes.map(({ from, to }, index) => {
        const number = (first + index) & 0xffff;
        return {
          arrived: seen.has(`${netnsOf(to)} ${number} false`),
          answered: seen.has(`${netnsOf(from)} ${number} true`),
        };
      });
    },
    close() {
      for (const { fd } of receivers) close(fd);
      for (const fd of sockets.values()) close(fd);
    },
  };
}
