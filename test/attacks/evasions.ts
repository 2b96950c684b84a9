// Ways for a pod to send what its victim's policy denies, or what looks as if it were of somebody else's conversation.
import { type Ip, isIpv4, parseIp } from '../../src/net/ip.ts';
import * as evasive from './evasive-frames.ts';
import * as frames from './frames.ts';
import { addressOf, OUTSIDE, OUTSIDE6, type Site } from './site.ts';

/** UDP to this port alone is allowed to the victim. */
export const ALLOWED = 8888;
const DENIED = 8889;
/** The victim's own port in its conversation with a machine outside. */
export const TALK = 6002;

type Shape = (packet: frames.Packet) => readonly frames.Packet[];
type Shapes = Readonly<Record<string, readonly [families: readonly (4 | 6)[], shape: Shape]>>;

const one =
  (change: (packet: frames.Packet) => frames.Packet): Shape =>
  (packet) => [change(packet)];

/** What a host may well understand: it arrives where policy allows it. */
const understood: Shapes = {
  'as it is': [[4, 6], one((packet) => packet)],
  'behind hop-by-hop options': [[6], one(evasive.hopByHop)],
  'behind destination options': [[6], one(evasive.destinationOptions)],
  'behind both kinds of options': [[6], one((packet) => evasive.hopByHop(evasive.destinationOptions(packet)))],
  'as a fragment that is all': [[6], one(evasive.atomicFragment)],
  'behind options, as a fragment that is all': [[6], one((packet) => evasive.hopByHop(evasive.atomicFragment(packet)))],
  'in two fragments': [[4], frames.fragments],
  'in two fragments of IPv6': [[6], (packet) => evasive.fragments6(packet, 8)],
  'with options of IPv4': [[4], one((packet) => ({ ...packet, options: [0x94, 4, 0, 0] }))],
};

/** What no host need understand. */
const strange: Shapes = {
  'in two fragments, options in the first, ports in the second (RFC 7112)': [
    [6],
    (packet) => evasive.fragments6(evasive.destinationOptions(packet), 8),
  ],
  'behind a routing header of type 0': [[6], one((packet) => evasive.routing(packet, 0))],
  'behind a routing header of type 2': [[6], one((packet) => evasive.routing(packet, 2))],
  'behind "nothing comes next"': [[6], one(evasive.nothingNext)],
  'as UDP-Lite': [[4, 6], one((packet) => evasive.as(136, packet))],
  'as DCCP': [[4, 6], one((packet) => evasive.as(33, packet))],
  'as SCTP': [[4, 6], one((packet) => evasive.as(132, packet))],
  'as a protocol that nobody knows': [[4, 6], one((packet) => evasive.as(253, packet))],
  'under an authentication header': [[4, 6], one((packet) => evasive.as(51, packet))],
  'in IPv4, in IP': [
    [4, 6],
    one((packet) => ({ ...packet, protocol: isIpv4(packet.source) ? 4 : 41, payload: frames.bare(packet) })),
  ],
  'in GRE': [
    [4, 6],
    one((packet) => ({
      ...packet,
      protocol: 47,
      payload: [0, 0, isIpv4(packet.source) ? 8 : 0x86, isIpv4(packet.source) ? 0 : 0xdd, ...frames.bare(packet)],
    })),
  ],
};

export interface Evasion {
  readonly name: string;
  readonly arrives: boolean;
  /** It is about a conversation of the victim, which must have begun just before. */
  readonly quotes?: true;
  readonly frames: (site: Site, mark: string) => readonly frames.Octets[];
}

const victimOf = ({ victim }: Site, family: 4 | 6) => (family === 4 ? victim.ipv4 : victim.ipv6);

function sends(name: string, family: 4 | 6, port: number, shape: Shape, arrives: boolean): Evasion {
  return {
    name: `IPv${family} ${name}, to a port that is ${port === ALLOWED ? 'allowed' : 'denied'}`,
    arrives,
    frames: (site, mark) => {
      const to = victimOf(site, family);
      const packet = frames.udp(addressOf(site.attacker, to), to, port, mark.padEnd(24, '.'));
      return shape(packet).map((each) => frames.frame(site.link, each));
    },
  };
}

const shapes: readonly Evasion[] = [
  ...Object.entries(understood).flatMap(([name, [families, shape]]) =>
    families.flatMap((family) => [ALLOWED, DENIED].map((port) => sends(name, family, port, shape, port === ALLOWED))),
  ),
  ...Object.entries(strange).flatMap(([name, [families, shape]]) =>
    families.map((family) => sends(name, family, DENIED, shape, false)),
  ),
  ...([4, 6] as const).map((family) => ({
    name: `IPv${family} in fragments, the second over the ports of the first`,
    arrives: false,
    frames: (site: Site, mark: string) => {
      const to = victimOf(site, family);
      const [harmless, meant] = [ALLOWED, DENIED].map((port) =>
        frames.udp(addressOf(site.attacker, to), to, port, mark.padEnd(24, '.')),
      );
      if (harmless === undefined || meant === undefined) return [];
      return evasive.overlapping(harmless, meant).map((each) => frames.frame(site.link, each));
    },
  })),
];

const FLAGS: Readonly<Record<string, number>> = {
  'no flags': 0,
  FIN: 1,
  SYN: 2,
  RST: 4,
  ACK: 16,
  'SYN and ACK': 18,
  'SYN and FIN': 3,
  'all flags': 63,
};

const segments = Object.entries(FLAGS).flatMap(([name, flags]) =>
  ([4, 6] as const).map(
    (family): Evasion => ({
      name: `IPv${family} TCP with ${name}`,
      arrives: false,
      frames: (site, mark) => {
        const to = victimOf(site, family);
        return [frames.frame(site.link, frames.tcp(addressOf(site.attacker, to), to, DENIED, 6001, flags, mark))];
      },
    }),
  ),
);

/** Frames whose type is not where it is looked for. */
const links: Readonly<Record<string, (frame: frames.Octets) => frames.Octets>> = {
  'with a tag of priority': (frame) => evasive.tagged(frame, [0x8100, 0]),
  'with a tag of network 1': (frame) => evasive.tagged(frame, [0x8100, 1]),
  'with two tags': (frame) => evasive.tagged(frame, [0x88a8, 0], [0x8100, 0]),
  'as IEEE 802.3 with SNAP': evasive.snap,
};

const linked = Object.entries(links).flatMap(([name, change]) =>
  ([4, 6] as const).map(
    (family): Evasion => ({
      name: `IPv${family} in a frame ${name}`,
      arrives: false,
      frames: (site, mark) =>
        sends(
          '',
          family,
          DENIED,
          one((packet) => packet),
          false,
        )
          .frames(site, mark)
          .map(change),
    }),
  ),
);

type Partner = 'the sender' | 'somebody else';

/** Whom the victim has a conversation with. */
function partnerOf(site: Site, partner: Partner, family: 4 | 6): Ip {
  if (partner === 'the sender') return family === 4 ? site.attacker.ipv4 : site.attacker.ipv6;
  return family === 4 ? OUTSIDE : OUTSIDE6;
}

/** Destination unreachable, packet too big, time exceeded, parameter problem (RFC 792, RFC 4443). */
const ERRORS = {
  4: [
    [3, 3],
    [3, 4],
    [11, 0],
    [12, 0],
  ],
  6: [
    [1, 4],
    [2, 0],
    [3, 0],
    [4, 0],
  ],
} as const;

/** About a packet of the victim's conversation, to the victim. */
function erring(partner: Partner, family: 4 | 6, [type, code]: readonly [number, number]): Evasion {
  return {
    name: `IPv${family} error ${type}/${code} that quotes a conversation of the victim with ${partner}`,
    arrives: partner === 'the sender',
    quotes: true,
    frames: (site, mark) => {
      const to = victimOf(site, family);
      const about = frames.udp(to, partnerOf(site, partner, family), ALLOWED, mark.padEnd(24, '.'), TALK);
      return [frames.frame(site.link, frames.error(addressOf(site.attacker, to), to, type, code, about))];
    },
  };
}

const errors = (['the sender', 'somebody else'] as const).flatMap((partner) =>
  ([4, 6] as const).flatMap((family) => ERRORS[family].map((error) => erring(partner, family, error))),
);

/** An error that nobody's conversation is quoted in. */
const unrelated: readonly Evasion[] = ([4, 6] as const).map((family) => ({
  name: `IPv${family} error about nothing`,
  arrives: false,
  frames: (site, mark) => {
    const to = victimOf(site, family);
    const about = frames.udp(to, parseIp(family === 4 ? '192.0.2.1' : '2001:db8::1'), 1, mark, 2);
    return [frames.frame(site.link, frames.error(addressOf(site.attacker, to), to, family === 4 ? 3 : 1, 4, about))];
  },
}));

export const evasions: readonly Evasion[] = [...shapes, ...segments, ...linked, ...errors, ...unrelated];
