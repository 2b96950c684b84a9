// A tunnel to other hosts as people are shown it, and what its link says of that.
import { cidrContains, parseCidr } from '../../net/cidr.ts';
import type { Ip } from '../../net/ip.ts';
import type { Netlink } from '../../sys/netlink.ts';
import { observeAddresses } from '../route/addresses.ts';
import type { Link } from './links.ts';

export interface TunnelStatus {
  readonly name: string;
  readonly addresses: readonly Ip[];
  readonly mtuBytes: number;
  readonly isUp: boolean;
  /** Hosts that are reached through it; undefined: nobody says. */
  readonly peers: number | undefined;
}

/** Each link gives itself one. */
const LINK_LOCAL = parseCidr('fe80::/10');

/** All but how many are reached through it. */
export function observeTunnelLink(
  socket: Netlink,
  { index, name, mtuBytes, up }: Pick<Link, 'index' | 'name' | 'mtuBytes' | 'up'>,
): Omit<TunnelStatus, 'peers'> {
  const own = observeAddresses(socket, index).filter((one) => one.interfaceIndex === index);
  const addresses = own.map(({ address }) => address.address).filter((ip) => !cidrContains(LINK_LOCAL, ip));
  return { name, addresses, mtuBytes, isUp: up };
}
