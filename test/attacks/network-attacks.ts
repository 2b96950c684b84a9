// The attacks on the network that a pod can try which has every right over its own packets, one row each.
import { addToIp, formatIp, type Ip, isIpv4, parseIp } from '../../src/net/ip.ts';
import * as frames from './frames.ts';
import { addressOf, GATEWAY, GATEWAY6, HOST, HOST6, OUTSIDE, OUTSIDE6, PORT, type Site, VXLAN_PORT } from './site.ts';

export interface Attack {
  readonly name: string;
  /** What the pod sends; `mark` is in it wherever something could be delivered. */
  readonly frames: (site: Site, mark: string) => readonly frames.Octets[];
  /** Only what must not arrive is an attack; the others show that the attack would be seen. */
  readonly arrives: boolean;
}

/** More than the pod's own entries, fewer than disturb the machine that the tests run on: the table is one for all. */
const FLOOD = 300;
const many = <T>(make: (index: number) => T): readonly T[] => Array.from({ length: FLOOD }, (_, index) => make(index));
const foreign =
  (base: string) =>
  (index: number): Ip =>
    addToIp(parseIp(base), index);

function attack(name: string, make: Attack['frames'], arrives = false): Attack {
  return { name, frames: make, arrives };
}

const neighbours: readonly Attack[] = [
  attack('ARP requests with ever new senders', ({ link }) =>
    many(foreign('10.200.0.1')).map((sender) =>
      frames.arp(link, { is: 1, senderMac: link.from, sender, target: GATEWAY }),
    ),
  ),
  attack('ARP requests for itself with ever new senders, to everybody', ({ link, attacker }) =>
    many(foreign('169.254.2.1')).map((sender) =>
      frames.arp({ ...link, to: 'ff:ff:ff:ff:ff:ff' }, { is: 1, senderMac: link.from, sender, target: attacker.ipv4 }),
    ),
  ),
  attack('ARP as another pod', ({ link, victim }) => [
    frames.arp(link, { is: 1, senderMac: link.from, sender: victim.ipv4, target: GATEWAY }),
    frames.arp(link, { is: 2, senderMac: link.from, sender: victim.ipv4, target: GATEWAY }),
  ]),
  attack('ARP as the machine next to the host', ({ link }) => [
    frames.arp(link, { is: 1, senderMac: link.from, sender: OUTSIDE, target: HOST }),
    frames.arp(link, { is: 2, senderMac: link.from, sender: OUTSIDE, target: HOST }),
  ]),
  attack('ARP with its own address and ever new Ethernet addresses', ({ link, attacker }) =>
    many((index) => {
      const from = `02:66:66:66:${(index >> 8).toString(16).padStart(2, '0')}:${(index & 255).toString(16).padStart(2, '0')}`;
      return frames.arp({ ...link, from }, { is: 1, senderMac: from, sender: attacker.ipv4, target: GATEWAY });
    }),
  ),
  attack('announcements of foreign addresses', ({ link }) =>
    many(foreign('10.201.0.1')).map((sender) =>
      frames.arp({ ...link, to: 'ff:ff:ff:ff:ff:ff' }, { is: 2, senderMac: link.from, sender, target: sender }),
    ),
  ),
  attack('neighbour solicitations from ever new link-local addresses', ({ link }) =>
    many(foreign('fe80::6666:1')).map((source) =>
      frames.frame(link, frames.discovery(source, GATEWAY6, 135, GATEWAY6, link.from)),
    ),
  ),
  attack('neighbour solicitations from ever new addresses', ({ link }) =>
    many(foreign('fd77::1')).map((source) =>
      frames.frame(link, frames.discovery(source, GATEWAY6, 135, GATEWAY6, link.from)),
    ),
  ),
  attack('router solicitations from ever new addresses', ({ link }) =>
    many(foreign('fe80::7777:1')).map((source) => frames.frame(link, frames.routerSolicitation(source, link.from))),
  ),
  attack('neighbour advertisements of foreign addresses', ({ link, attacker, victim }) =>
    [victim.ipv6, HOST6, parseIp('fd98::2'), GATEWAY6].flatMap((target) => [
      frames.frame(link, frames.discovery(attacker.ipv6, GATEWAY6, 136, target, link.from)),
      frames.frame(link, frames.discovery(target, parseIp('ff02::1'), 136, target, link.from)),
    ]),
  ),
  attack('router advertisements', ({ link, attacker }) =>
    [parseIp('fe80::6666:1'), attacker.ipv6].map((source) =>
      frames.frame(link, frames.routerAdvertisement(source, parseIp('fd66::'))),
    ),
  ),
  attack('redirects', ({ link, attacker, victim }) => {
    const about = frames.udp(HOST, OUTSIDE, PORT, 'to the outside');
    const about6 = frames.udp(HOST6, OUTSIDE6, PORT, 'to the outside');
    return [
      frames.frame(link, frames.redirect(attacker.ipv4, HOST, attacker.ipv4, about)),
      frames.frame(link, frames.redirect(victim.ipv4, HOST, attacker.ipv4, about)),
      frames.frame(link, frames.redirect(attacker.ipv6, HOST6, attacker.ipv6, about6)),
      frames.frame(link, frames.redirect(parseIp('fe80::6666:1'), HOST6, parseIp('fe80::6666:1'), about6)),
    ];
  }),
];

/** One UDP packet, from the pod itself unless said otherwise. */
function sends(name: string, to: Ip | ((site: Site) => Ip), from?: Ip | ((site: Site) => Ip), arrives = false): Attack {
  return attack(
    name,
    (site, mark) => {
      const destination = typeof to === 'function' ? to(site) : to;
      const source = typeof from === 'function' ? from(site) : (from ?? addressOf(site.attacker, destination));
      return [frames.frame(site.link, frames.udp(source, destination, PORT, mark))];
    },
    arrives,
  );
}

/** Each of them reaches its destination where nothing keeps it back. */
const controls: readonly Attack[] = [
  sends('to the host', HOST, undefined, true),
  sends('to the host, IPv6', HOST6, undefined, true),
  sends('to the outside', OUTSIDE, undefined, true),
  sends('to the outside, IPv6', OUTSIDE6, undefined, true),
  sends('to its neighbour', (site) => site.victim.ipv4, undefined, true),
  sends('to its neighbour, IPv6', (site) => site.victim.ipv6, undefined, true),
  attack(
    'in fragments',
    (site, mark) =>
      frames
        .fragments(frames.udp(site.attacker.ipv4, HOST, PORT, mark))
        .map((packet) => frames.frame(site.link, packet)),
    true,
  ),
];

const closed = [
  ...['127.0.0.1', '127.1.2.3', '0.0.0.0', '0.1.2.3', '224.0.0.1', '239.1.2.3', '255.255.255.255', '10.98.0.255'],
  ...['169.254.1.1', '169.254.0.1', '169.254.170.2', '240.0.0.1'],
  ...['::1', '::', '::ffff:10.98.0.1', '::10.98.0.1', 'fe80::1', 'fe80::ecee:eeff:feee:eeee', 'ff02::1', 'ff05::2'],
].map((text) => parseIp(text));

const spoofed = [
  ...['127.0.0.1', '0.0.0.0', '10.98.0.1', '10.98.0.2', '169.254.1.1', '224.0.0.1', '255.255.255.255', '8.8.8.8'],
  ...['::1', '::', 'fd98::1', 'fd98::2', 'fe80::1', 'ff02::1', '::ffff:10.98.0.2', '2001:db8::1'],
].map((text) => parseIp(text));

const like = (address: Ip, ipv4: Ip, ipv6: Ip): Ip => (isIpv4(address) ? ipv4 : ipv6);

const addresses: readonly Attack[] = [
  ...closed.map((to) => sends(`to ${formatIp(to)}`, to)),
  ...spoofed.map((from) => sends(`from ${formatIp(from)} to the host`, like(from, HOST, HOST6), from)),
  ...spoofed.map((from) => sends(`from ${formatIp(from)} to the outside`, like(from, OUTSIDE, OUTSIDE6), from)),
  ...spoofed.map((from) =>
    sends(`from ${formatIp(from)} to its neighbour`, ({ victim }) => like(from, victim.ipv4, victim.ipv6), from),
  ),
  sends("to the host as its neighbour's", HOST, (site) => site.victim.ipv4),
  attack('to everybody on its link', (site, mark) =>
    ['ff:ff:ff:ff:ff:ff', '01:00:5e:00:00:01', '33:33:00:00:00:01'].flatMap((to) =>
      closed.map((destination) =>
        frames.frame({ ...site.link, to }, frames.udp(addressOf(site.attacker, destination), destination, PORT, mark)),
      ),
    ),
  ),
  attack('to 127.0.0.1 in fragments', (site, mark) =>
    frames
      .fragments(frames.udp(site.attacker.ipv4, parseIp('127.0.0.1'), PORT, mark))
      .map((packet) => frames.frame(site.link, packet)),
  ),
];

function carried(name: string, carry: (site: Site, inner: frames.Octets) => frames.Packet): Attack {
  return attack(name, (site, mark) => {
    const inner = frames.udp(parseIp('8.8.8.8'), HOST, PORT, mark);
    return [frames.frame(site.link, carry(site, frames.bare(inner)))];
  });
}

const tunnels: readonly Attack[] = [
  carried('IP in IP to the host', ({ attacker }, payload) => ({
    source: attacker.ipv4,
    destination: HOST,
    protocol: 4,
    payload,
  })),
  carried('VXLAN to the host', ({ attacker }, inner) => frames.udp(attacker.ipv4, HOST, VXLAN_PORT, inner)),
  carried('VXLAN to the host, IPv6', ({ attacker }, inner) => frames.udp(attacker.ipv6, HOST6, VXLAN_PORT, inner)),
  attack('VXLAN to the host in fragments', ({ link, attacker }, mark) =>
    frames.fragments(frames.udp(attacker.ipv4, HOST, VXLAN_PORT, mark)).map((packet) => frames.frame(link, packet)),
  ),
  attack('by way of the host, by a source route', ({ link, attacker }, mark) => {
    const options = frames.looseSourceRoute(parseIp('127.0.0.1'));
    return [HOST, OUTSIDE].map((to) => frames.frame(link, { ...frames.udp(attacker.ipv4, to, PORT, mark), options }));
  }),
];

export const attacks: readonly Attack[] = [...controls, ...neighbours, ...addresses, ...tunnels];
