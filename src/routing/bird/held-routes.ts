// Routes that an earlier BIRD has put into the kernel, as a new one holds them until the peers that they came from are there
// again: static routes behind everything that a peer says. So the new one may work in the kernel from its start.
import { type Cidr, cidrFamily, formatCidr } from '../../net/cidr.ts';
import { type Family, formatIp, type Ip } from '../../net/ip.ts';

export interface HeldRoute {
  readonly destination: Cidr;
  readonly metric: number;
  readonly hops: readonly { readonly gateway: Ip; readonly interfaceName: string; readonly weight: number }[];
}

/** The name of the static protocol that has them. */
export const heldName = (family: Family): string => `held_v${family}`;

/** Before what the kernel has from others (10), behind what comes by BGP (100). */
const PREFERENCE = 50;

/** fe80::/10 says nothing without its interface (RFC 4291, section 2.5.6). */
function isLinkLocal(ip: Ip): boolean {
  return typeof ip === 'bigint' && ip >> 118n === 0x3fan;
}

function routeLine({ destination, metric, hops }: HeldRoute): string {
  const ways = hops.map(({ gateway, interfaceName, weight }) => {
    const scope = isLinkLocal(gateway) ? `%'${interfaceName}'` : '';
    return `via ${formatIp(gateway)}${scope}${hops.length > 1 ? ` weight ${weight}` : ''}`;
  });
  return `  route ${formatCidr(destination)} ${ways.join(' ')} { krt_metric = ${metric}; };`;
}

function familyLines(held: readonly HeldRoute[], family: Family): readonly string[] {
  const lines = held.filter(({ destination }) => cidrFamily(destination) === family).map(routeLine);
  if (lines.length === 0) return [];
  const head = [`protocol static ${heldName(family)} {`, `  ipv${family} { preference ${PREFERENCE}; };`];
  return ['', ...head, ...lines.sort(), '}'];
}

/** What is appended to BIRD's configuration. */
export function printHeldRoutes(held: readonly HeldRoute[]): string {
  if (held.length === 0) return '';
  const comment = ['', '# Routes of before a restart, until their peers are there again.'];
  return `${[...comment, ...familyLines(held, 4), ...familyLines(held, 6)].join('\n')}\n`;
}

export interface PeerState {
  readonly address: Ip;
  readonly isBack: boolean;
}

/** Those whose gateway is a peer that is not back or, where it is no peer, those that any peer of the family may still bring. */
export function stillHeld(held: readonly HeldRoute[], peers: readonly PeerState[]): readonly HeldRoute[] {
  const back = new Map(peers.map(({ address, isBack }) => [address, isBack]));
  const anyAway = (like: Ip) => peers.some(({ address, isBack }) => !isBack && typeof address === typeof like);
  return held.filter(({ hops }) => hops.some(({ gateway }) => !(back.get(gateway) ?? !anyAway(gateway))));
}
