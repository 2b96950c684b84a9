// Ways for a program in a pod to fill tables of neighbours: its own, by whom it sends to, and its host's, as ever new senders.
import { addToIp, type Ip, parseIp } from '../../src/net/ip.ts';
import * as frames from './frames.ts';

/** As many as one flood names. */
export const FLOOD_SIZE = 100;

/** Every way for a program without rights to name a neighbour: those of its link, and any other past the routes. */
export function sendToEverNew(interfaceName: string): string {
  return `
import socket
link = socket.if_nametoindex("${interfaceName}")
six = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
four = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
four.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"${interfaceName}")
four.setsockopt(socket.SOL_SOCKET, socket.SO_DONTROUTE, 1)
for n in range(1, ${FLOOD_SIZE + 1}):
    six.sendto(b"x", ("fe80::6666:%x" % n, 9, 0, link))
    four.sendto(b"x", ("10.200.0.%d" % n, 9))
print("sent")`;
}

/** Reads frames from its input, one a line, and puts them on the link. */
export function injector(interfaceName: string): string {
  return `
import socket, sys
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW); s.bind(("${interfaceName}", 0))
for line in sys.stdin: s.send(bytes.fromhex(line))`;
}

export interface HostEnd {
  readonly mac: string;
  readonly ipv4: Ip;
  readonly ipv6: Ip;
}

const BROADCAST = 'ff:ff:ff:ff:ff:ff';

/** What makes the sender a neighbour of who gets it (RFC 826, RFC 4861), each time from another one. */
export function asEverNew(from: string, { mac, ipv4, ipv6 }: HostEnd): readonly frames.Octets[] {
  const [four, six] = [parseIp('172.30.0.0'), parseIp('fe80::7777:0')];
  const [everybody, host] = [BROADCAST, mac].map((to): frames.Link => ({ from, to }));
  if (everybody === undefined || host === undefined) throw new Error('no link');
  return Array.from({ length: FLOOD_SIZE }, (_, index) => index + 1).flatMap((n) => {
    const [sender, sender6] = [addToIp(four, n), addToIp(six, n)];
    const words = { senderMac: from, sender };
    return [
      frames.arp(everybody, { is: 1, ...words, target: ipv4 }),
      frames.arp(host, { is: 1, ...words, target: ipv4 }),
      frames.arp(everybody, { is: 1, ...words, target: sender }),
      frames.arp(host, { is: 2, ...words, target: ipv4 }),
      frames.frame(host, frames.discovery(sender6, ipv6, 135, ipv6, from)),
      frames.frame(host, frames.discovery(sender6, ipv6, 136, sender6, from)),
      frames.frame(host, frames.routerSolicitation(sender6, from)),
    ];
  });
}
