// Links that are to be deleted: taken down and put into one link group, which the kernel deletes as a whole.
import { ENODEV } from '../../sys/libc.ts';
import * as netlink from '../../sys/netlink.ts';
import { beginLink, IFF_UP, IFLA_GROUP, observeLinks, RTM_DELLINK, RTM_NEWLINK } from './links.ts';

/** Nobody else's: link groups are 32-bit numbers without a registry, and people use small ones (ip-link(8), "group"). */
export const REMOVAL_GROUP = 0x0c1ca7;

/**
 * Takes the link down, which drops its routes and neighbours at once (0.05 ms), and marks it for deletion.
 * False when there is no such link. Throws `kernel`.
 */
export function markForRemoval(socket: netlink.Netlink, index: number): boolean {
  const writer = netlink.createMessageWriter(64);
  beginLink(writer, RTM_NEWLINK, netlink.NLM_F_ACK, { index, flags: 0, change: IFF_UP });
  writer.attrU32(IFLA_GROUP, REMOVAL_GROUP).end();
  return !isAbsent(socket, writer);
}

/** Deletes every marked link: 20 ms for one, 40 ms for forty together. False when none is marked. Throws `kernel`. */
export function deleteMarked(socket: netlink.Netlink): boolean {
  const writer = netlink.createMessageWriter(64);
  beginLink(writer, RTM_DELLINK, netlink.NLM_F_ACK).attrU32(IFLA_GROUP, REMOVAL_GROUP).end();
  return !isAbsent(socket, writer);
}

/** Whether links are marked, by this process or by one that was stopped before it could delete them. */
export function observeMarked(socket: netlink.Netlink): boolean {
  return observeLinks(socket).some(({ group }) => group === REMOVAL_GROUP);
}

function isAbsent(socket: netlink.Netlink, writer: netlink.MessageWriter): boolean {
  const [refusal] = socket.tryRequest(writer, 1);
  if (refusal === undefined) return false;
  if (refusal.errno === ENODEV) return true;
  throw netlink.refusalError('remove link', refusal);
}
