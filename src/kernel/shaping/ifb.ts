// Intermediate functional blocks: a link of its own for each workload whose sending is bounded, as the kernel holds back only
// what it sends to a link (ip-link(8), "ifb").
import { OcicatError } from '../../base/errors.ts';
import { shortHash } from '../../base/hash.ts';
import { EEXIST } from '../../sys/libc.ts';
import * as netlink from '../../sys/netlink.ts';
import * as links from '../link/links.ts';

/** Calico's, which no workload's link begins with. */
const PREFIX = 'bwcali';
const HASH_LENGTH = 9;
/** By which they are recognised as ours: a link is never without it. Nobody else's, as with REMOVAL_GROUP. */
const BANDWIDTH_GROUP = 0x0c1ca9;
const IFLA_INFO_KIND = 1;
const UP = { flags: links.IFF_UP, change: links.IFF_UP };

export function ifbNameOf(linkName: string): string {
  return `${PREFIX}${shortHash(linkName, HASH_LENGTH)}`;
}

function isOurs({ name, group }: links.Link): boolean {
  return name.startsWith(PREFIX) && group === BANDWIDTH_GROUP;
}

/** The one of this name, if it is ours. */
export function observeIfb(socket: netlink.Netlink, name: string): links.Link | undefined {
  const link = links.observeLink(socket, name);
  return link !== undefined && isOurs(link) ? link : undefined;
}

/** Makes it, up; one of ours that stands is raised. Throws `kernel`, also when somebody else has one of that name. */
export function makeIfb(socket: netlink.Netlink, name: string, mtuBytes: number): links.Link {
  const writer = netlink.createMessageWriter(256);
  const flags = netlink.NLM_F_ACK | netlink.NLM_F_CREATE | netlink.NLM_F_EXCL;
  links.beginLink(writer, links.RTM_NEWLINK, flags, UP).attrString(links.IFLA_IFNAME, name);
  writer.attrU32(links.IFLA_MTU, mtuBytes).attrU32(links.IFLA_GROUP, BANDWIDTH_GROUP);
  writer.nestPlain(links.IFLA_LINKINFO).attrString(IFLA_INFO_KIND, 'ifb').endNest().end();
  const [refusal] = socket.tryRequest(writer, 1);
  if (refusal !== undefined && refusal.errno !== EEXIST) throw netlink.refusalError(`make link "${name}"`, refusal);
  const link = observeIfb(socket, name);
  if (link === undefined) throw new OcicatError('kernel', `make link "${name}": it is somebody else's`);
  links.writeUp(writer.reset(), link.index, true);
  socket.request(writer, 1);
  return link;
}

/** Those of ours, by name. */
export function observeIfbs(socket: netlink.Netlink): ReadonlyMap<string, links.Link> {
  return new Map(links.observeLinks(socket).flatMap((link) => (isOurs(link) ? [[link.name, link]] : [])));
}

/** Removes it; false when there is none of ours. Throws `kernel`. */
export function removeIfb(socket: netlink.Netlink, name: string): boolean {
  const link = observeIfb(socket, name);
  if (link === undefined) return false;
  const writer = netlink.createMessageWriter(64);
  links.beginLink(writer, links.RTM_DELLINK, netlink.NLM_F_ACK, { index: link.index }).end();
  socket.request(writer, 1);
  return true;
}
