// The line that a log rule writes about a packet, with the fields of the kernel's own (`IN=… OUT=… SRC=… DST=…`).
import { formatIp, ipFromBytes } from '../net/ip.ts';
import {
  hasPorts,
  PROTOCOL_ICMP,
  PROTOCOL_ICMPV6,
  PROTOCOL_TCP,
  PROTOCOL_UDPLITE,
  protocolName,
} from '../net/protocol.ts';

export interface LoggedPacket {
  readonly prefix: string;
  /** Names of interfaces; empty where there is none. */
  readonly in: string;
  readonly out: string;
  /** From the network header on; it may be cut off. */
  readonly bytes: Uint8Array;
}

interface NetworkHeader {
  readonly fields: readonly string[];
  readonly protocol: number;
  /** Where the next header begins; undefined in a later fragment, which has none. */
  readonly transport: number | undefined;
}

const IPV4_HEADER_BYTES = 20;
const IPV6_HEADER_BYTES = 40;
const TCP_FLAGS = ['FIN', 'SYN', 'RST', 'PSH', 'ACK', 'URG'] as const;
const TCP_FLAGS_OFFSET = 13;

/** RFC 791. */
function readIpv4(bytes: Uint8Array): NetworkHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const fragment = view.getUint16(6);
  const fields = [
    `SRC=${formatIp(ipFromBytes(bytes.subarray(12, 16)))}`,
    `DST=${formatIp(ipFromBytes(bytes.subarray(16, 20)))}`,
    `LEN=${view.getUint16(2)}`,
    `TTL=${bytes[8]}`,
    `ID=${view.getUint16(4)}`,
    ...(fragment & 0x4000 ? ['DF'] : []),
  ];
  const isLater = (fragment & 0x1fff) !== 0;
  return { fields, protocol: bytes[9] ?? 0, transport: isLater ? undefined : ((bytes[0] ?? 0) & 15) * 4 };
}

/** RFC 8200; of extension headers only the first one's number is printed. */
function readIpv6(bytes: Uint8Array): NetworkHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const fields = [
    `SRC=${formatIp(ipFromBytes(bytes.subarray(8, 24)))}`,
    `DST=${formatIp(ipFromBytes(bytes.subarray(24, 40)))}`,
    `LEN=${view.getUint16(4) + IPV6_HEADER_BYTES}`,
    `HOPLIMIT=${bytes[7]}`,
  ];
  return { fields, protocol: bytes[6] ?? 0, transport: IPV6_HEADER_BYTES };
}

function transportFields(protocol: number, bytes: Uint8Array): readonly string[] {
  const port = (at: number) => ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
  if (bytes.length < 4) return [];
  if (protocol === PROTOCOL_ICMP || protocol === PROTOCOL_ICMPV6) return [`TYPE=${bytes[0]}`, `CODE=${bytes[1]}`];
  if (!hasPorts(protocol) && protocol !== PROTOCOL_UDPLITE) return [];
  const flags = protocol === PROTOCOL_TCP ? (bytes[TCP_FLAGS_OFFSET] ?? 0) : 0;
  return [`SPT=${port(0)}`, `DPT=${port(2)}`, ...TCP_FLAGS.filter((_, bit) => flags & (1 << bit))];
}

function describeBytes(bytes: Uint8Array): readonly string[] {
  const version = (bytes[0] ?? 0) >> 4;
  const isWhole = bytes.length >= (version === 4 ? IPV4_HEADER_BYTES : IPV6_HEADER_BYTES);
  if (!isWhole || (version !== 4 && version !== 6)) return [];
  const { fields, protocol, transport } = version === 4 ? readIpv4(bytes) : readIpv6(bytes);
  const rest = transport === undefined ? [] : transportFields(protocol, bytes.subarray(transport));
  return [...fields, `PROTO=${protocolName(protocol)?.toUpperCase() ?? protocol}`, ...rest];
}

export function formatPacketLine({ prefix, in: input, out, bytes }: LoggedPacket): string {
  return `${prefix}${[`IN=${input}`, `OUT=${out}`, ...describeBytes(bytes)].join(' ')}`;
}
