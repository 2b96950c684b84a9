// Which addresses are in use on this host, by whatever put them there: those that any of its network namespaces has.
import type { Ip } from '../../net/ip.ts';
import * as netlink from '../../sys/netlink.ts';
import { observeAddresses } from '../route/addresses.ts';
import { forEachOtherNetns } from './netns-ids.ts';

/** Of these, those that a link of a namespace that is found has. */
export function findAddressesInUse(wanted: ReadonlySet<Ip>): ReadonlySet<Ip> {
  const inUse = new Set<Ip>();
  const look = (socket: netlink.Netlink): void => {
    for (const { address } of observeAddresses(socket)) if (wanted.has(address.address)) inUse.add(address.address);
  };
  if (wanted.size === 0) return inUse;
  netlink.withRouteSocket(look);
  forEachOtherNetns((netnsFd) => netlink.withRouteSocket(look, netnsFd));
  return inUse;
}
