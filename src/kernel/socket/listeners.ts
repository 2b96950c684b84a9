// Sockets of this host that packets may come to without a connection before: who listens on which port (sock_diag(7)).
import { OcicatError } from '../../base/errors.ts';
import { type Family, type Ip, ipFromBytes } from '../../net/ip.ts';
import type { HostPorts } from '../../net/port-mapping.ts';
import { PROTOCOL_TCP } from '../../net/protocol.ts';
import { EINVAL, ENOENT } from '../../sys/libc.ts';
import * as netlink from '../../sys/netlink.ts';

/** linux/netlink.h, linux/sock_diag.h, linux/inet_diag.h. */
const NETLINK_SOCK_DIAG = 4;
const SOCK_DIAG_BY_FAMILY = 20;
const AF_INET = 2;
const AF_INET6 = 10;
const INET_DIAG_SKV6ONLY = 11;
const MESSAGE_BYTES = 72;
const SOURCE_PORT_AT = 4;
const SOURCE_AT = 8;
const INODE_AT = 68;
const SOCKET_ID_BYTES = 48;
/** TCP_LISTEN and TCP_CLOSE of linux/tcp_states.h, as bits: protocols without connections are closed while they wait for anybody. */
const LISTENING = 1 << 10;
const UNCONNECTED = 1 << 7;
/** Of a protocol whose module is not there, or which is not told about. */
const UNKNOWN: ReadonlySet<number> = new Set([ENOENT, EINVAL]);
const ADDRESS_BYTES: Readonly<Record<Family, number>> = { 4: 4, 6: 16 };

export interface Listener {
  /** What it takes of the host's ports, in the words of a mapping. */
  readonly port: HostPorts;
  readonly inode: number;
}

/** A socket of IPv6 for all addresses takes packets of IPv4 as well, unless it says otherwise. */
function readListener(payload: Uint8Array, family: Family, protocol: number): Listener {
  const source: Ip = ipFromBytes(payload.subarray(SOURCE_AT, SOURCE_AT + ADDRESS_BYTES[family]));
  const isForBoth =
    family === 6 && source === 0n && netlink.readAttributes(payload, MESSAGE_BYTES).get(INET_DIAG_SKV6ONLY)?.[0] !== 1;
  const hostPort = netlink.readBe16(payload, SOURCE_PORT_AT);
  const hostAddress = isForBoth ? undefined : source;
  return { port: { hostAddress, hostPort, protocol, count: 1 }, inode: netlink.readU32(payload, INODE_AT) };
}

function writeQuestion(writer: netlink.MessageWriter, family: Family, protocol: number): void {
  writer.begin(SOCK_DIAG_BY_FAMILY, netlink.NLM_F_DUMP);
  writer
    .u8(family === 4 ? AF_INET : AF_INET6)
    .u8(protocol)
    .u8(0)
    .u8(0);
  writer.u32(protocol === PROTOCOL_TCP ? LISTENING : UNCONNECTED | LISTENING);
  for (let at = 0; at < SOCKET_ID_BYTES; at += 4) writer.u32(0);
  writer.end();
}

function observeFamily(socket: netlink.Netlink, family: Family, protocol: number): readonly Listener[] {
  const writer = netlink.createMessageWriter(128);
  writeQuestion(writer, family, protocol);
  const found: Listener[] = [];
  socket.dump(writer, (_type, payload) => found.push(readListener(payload, family, protocol)));
  return found;
}

/** In the calling thread's network namespace. None where the kernel does not tell them of a protocol. */
export function observeListeners(protocol: number): readonly Listener[] {
  const socket = netlink.openNetlink(NETLINK_SOCK_DIAG);
  try {
    return ([4, 6] as const).flatMap((family) => observeFamily(socket, family, protocol));
  } catch (error) {
    if (error instanceof OcicatError && UNKNOWN.has(error.errno ?? 0)) return [];
    throw error;
  } finally {
    socket.close();
  }
}
