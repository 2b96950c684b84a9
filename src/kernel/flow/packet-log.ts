// Packets that rules log to a group of nfnetlink_log, as they come (linux/netfilter/nfnetlink_log.h): the kernel's own log
// takes no lines from other network namespaces than the machine's first, unless net.netfilter.nf_log_all_netns says so.
import { OcicatError } from '../../base/errors.ts';
import type { LoggedPacket } from '../../firewall/packet-line.ts';
import * as netlink from '../../sys/netlink.ts';
import { tryReadSysctl } from '../../sys/sysctl.ts';
import { readNetlinkStream } from '../event/netlink-stream.ts';
import { observeLinkOfIndex } from '../link/links.ts';

/** NFNL_SUBSYS_ULOG in the high byte. */
const MESSAGE_PACKET = 0x400;
const MESSAGE_CONFIG = 0x401;
const CONFIG_COMMAND = 1;
const CONFIG_MODE = 2;
const CONFIG_THRESHOLD = 5;
const COMMAND_BIND = 1;
const MODE_PACKET = 2;
const FAMILY_BYTES = 4;
const NFULA_INDEV = 4;
const NFULA_OUTDEV = 5;
const NFULA_PAYLOAD = 9;
const NFULA_PREFIX = 10;

/** The headers that a line is made from: IPv6 and TCP, with room for options. */
const COPIED_BYTES = 128;
const RECEIVE_BUFFER_BYTES = 1 << 20;

/** Only the machine's first network namespace has the switch: whether the kernel's log takes the lines of this one. */
export function hasKernelLog(): boolean {
  return tryReadSysctl('net/netfilter/nf_log_all_netns') !== undefined;
}

/** Each packet at once, and not when a hundred have come together. */
function bind(socket: netlink.Netlink, group: number): void {
  const writer = netlink.createMessageWriter(256);
  const configure = (write: () => void) => {
    writer.begin(MESSAGE_CONFIG, netlink.NLM_F_ACK).u8(0).u8(0).be16(group);
    write();
    writer.end();
  };
  configure(() => writer.attrU8(CONFIG_COMMAND, COMMAND_BIND));
  configure(() => {
    writer.attrBytes(CONFIG_MODE, Uint8Array.of(0, 0, COPIED_BYTES >> 8, COPIED_BYTES & 255, MODE_PACKET, 0));
    writer.attrBe32(CONFIG_THRESHOLD, 1);
  });
  socket.request(writer, writer.count);
}

function readPacket(links: netlink.Netlink, payload: Uint8Array): LoggedPacket {
  const attributes = netlink.readAttributes(payload, FAMILY_BYTES);
  const nameOf = (attribute: number) => {
    const index = attributes.get(attribute);
    return index === undefined ? '' : (observeLinkOfIndex(links, netlink.readBe32(index))?.name ?? '?');
  };
  return {
    prefix: netlink.readText(attributes.get(NFULA_PREFIX) ?? new Uint8Array()),
    in: nameOf(NFULA_INDEV),
    out: nameOf(NFULA_OUTDEV),
    bytes: attributes.get(NFULA_PAYLOAD) ?? new Uint8Array(),
  };
}

/**
 * Hands over each packet that is logged to the group in the calling thread's network namespace; its bytes are valid meanwhile.
 * Returns when aborted. Throws `kernel`, also when another program listens to the group.
 */
export async function listenToPacketLog(
  group: number,
  take: (packet: LoggedPacket) => void,
  signal: AbortSignal,
): Promise<void> {
  const options = { nonBlocking: true, receiveBufferBytes: RECEIVE_BUFFER_BYTES };
  const socket = netlink.openNetlink(netlink.NETLINK_NETFILTER, options);
  const links = netlink.openNetlink(netlink.NETLINK_ROUTE);
  try {
    bind(socket, group);
    const onMessage = ({ type, payload }: netlink.Message) => {
      if (type === MESSAGE_PACKET) take(readPacket(links, payload));
    };
    await readNetlinkStream(socket, onMessage, () => undefined, signal);
  } catch (cause) {
    throw new OcicatError('kernel', `listen to packets of log group ${group}: failed`, { cause });
  } finally {
    links.close();
    socket.close();
  }
}
