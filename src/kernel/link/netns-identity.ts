// Which network namespace it was, when there is nothing left to open: its inode, and the number that it has as a peer of ours,
// which nobody else gets as long as it lives (rtnetlink(7); "netns id" in ip-netns(8)).
import { fstatSync } from 'node:fs';
import * as libc from '../../sys/libc.ts';
import * as netlink from '../../sys/netlink.ts';
import { forEachNetns, NETNSA_FD, NETNSA_NSID, observeNetnsId, observeNetnsInodes, RTM_GETNSID } from './netns-ids.ts';

/** linux/rtnetlink.h. */
const RTM_NEWNSID = 88;
/** Any number that is free. */
const ANY_ID = 0xffff_ffff;

interface Identity {
  readonly inode: string;
  readonly id: number;
}

function tryParse(text: string): Identity | undefined {
  const [, inode, id] = /^(\d+):(\d+)$/.exec(text) ?? [];
  return inode === undefined ? undefined : { inode, id: Number(id) };
}

/** `inode:number`; undefined where the kernel gives no number. */
export function identifyNetns(netnsFd: number): string | undefined {
  return netlink.withRouteSocket((socket) => {
    const writer = netlink.createMessageWriter(64);
    writer.begin(RTM_NEWNSID, netlink.NLM_F_ACK).u8(0).u8(0).u8(0).u8(0);
    writer.attrU32(NETNSA_NSID, ANY_ID).attrU32(NETNSA_FD, netnsFd).end();
    socket.tryRequest(writer, 1); // it may have one already
    const id = observeNetnsId(socket, netnsFd);
    return id === undefined ? undefined : `${fstatSync(netnsFd).ino}:${id}`;
  });
}

/** Whether a namespace has the number. One by one: kernels end a list of them with its first 134 (seen with Linux 6.18). */
function isNumberTaken(socket: netlink.Netlink, id: number): boolean {
  const writer = netlink.createMessageWriter(64);
  writer.begin(RTM_GETNSID, netlink.NLM_F_ACK).u8(0).u8(0).u8(0).u8(0).attrU32(NETNSA_NSID, id).end();
  return !socket.tryRequest(writer, 1).some(({ errno }) => errno === libc.ENOENT);
}

/** Numbers, and the inode of the namespace that has it now. */
function observeInodes(socket: netlink.Netlink): ReadonlyMap<number, string> {
  const inodes = new Map<number, string>();
  forEachNetns(socket, (id, fd) => inodes.set(id, String(fstatSync(fd).ino)));
  return inodes;
}

/** Whether the namespaces of these identities are provably gone: nobody has the number, or another namespace has. */
export function findGoneNetns(identities: readonly string[]): ReadonlySet<string> {
  const present = observeNetnsInodes();
  const lost = identities.filter((text) => !present.has(tryParse(text)?.inode ?? ''));
  if (lost.length === 0) return new Set();
  return netlink.withRouteSocket((socket) => {
    const inodes = observeInodes(socket);
    const isGone = ({ inode, id }: Identity) => (inodes.get(id) ?? inode) !== inode || !isNumberTaken(socket, id);
    return new Set(
      lost.filter((text) => {
        const identity = tryParse(text);
        return identity !== undefined && isGone(identity);
      }),
    );
  });
}
