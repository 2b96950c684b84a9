// Generic netlink: families of messages that have a name, and a number that the kernel gives them
// (Linux, Documentation/userspace-api/netlink/intro.rst).
import { OcicatError } from '../base/errors.ts';
import * as netlink from '../sys/netlink.ts';

const NETLINK_GENERIC = 16;
/** linux/genetlink.h */
const GENL_ID_CTRL = 16;
const CTRL_CMD_GETFAMILY = 3;
const CTRL_ATTR_FAMILY_ID = 1;
const CTRL_ATTR_FAMILY_NAME = 2;
const VERSION = 1;
export const GENERIC_HEADER_BYTES = 4;
/** What a device is told at once: 200 messages of a peer with a hundred ranges. */
const SEND_BUFFER_BYTES = 2 << 20;

/** Opens a message of the family; attributes follow, then end(). */
export function beginGeneric(
  writer: netlink.MessageWriter,
  family: number,
  command: number,
  flags: number,
): netlink.MessageWriter {
  return writer.begin(family, flags).u8(command).u8(VERSION).u16(0);
}

/** Throws `kernel` where the kernel has no family of that name. */
export function observeFamily(socket: netlink.Netlink, name: string): number {
  const writer = netlink.createMessageWriter(64);
  beginGeneric(writer, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, netlink.NLM_F_ACK)
    .attrString(CTRL_ATTR_FAMILY_NAME, name)
    .end();
  let family: number | undefined;
  socket.request(writer, 1, (_type, payload) => {
    const id = netlink.readAttributes(payload, GENERIC_HEADER_BYTES).get(CTRL_ATTR_FAMILY_ID);
    if (id !== undefined) family = netlink.readU16(id);
  });
  if (family !== undefined) return family;
  throw new OcicatError('kernel', `look for the netlink family "${name}": the kernel does not say its number`);
}

/** In the calling thread's network namespace. */
export function withGenericSocket<T>(work: (socket: netlink.Netlink) => T): T {
  const socket = netlink.openNetlink(NETLINK_GENERIC, { sendBufferBytes: SEND_BUFFER_BYTES });
  try {
    return work(socket);
  } finally {
    socket.close();
  }
}
