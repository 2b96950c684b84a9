// The addresses that this host can be spoken to at, with the interfaces that have them.
import type { Cidr } from '../../net/cidr.ts';
import { withRouteSocket } from '../../sys/netlink.ts';
import { observeAddresses } from '../route/addresses.ts';
import { observeLinks } from './links.ts';

export interface InterfaceAddress {
  readonly interfaceName: string;
  /** The address with its interface's prefix length; that of a peer at the other end of a point-to-point link. */
  readonly cidr: Cidr;
  /** It will not stay, or nothing new is to begin with it: for want of another one only. */
  readonly isPassing: boolean;
}

/**
 * Of the calling thread's namespace, in the order of the interfaces' numbers, then in the kernel's. Those of interfaces that are
 * down or have no carrier are left out, and those that may be another host's too.
 */
export function observeInterfaceAddresses(): readonly InterfaceAddress[] {
  return withRouteSocket((socket) => {
    const running = observeLinks(socket).filter((link) => link.up && link.running);
    const names = new Map(running.map(({ index, name }) => [index, name]));
    const sorted = [...observeAddresses(socket)].sort((a, b) => a.interfaceIndex - b.interfaceIndex);
    return sorted.flatMap(({ interfaceIndex, address, isUsable, isPassing }) => {
      const interfaceName = names.get(interfaceIndex);
      return isUsable && interfaceName !== undefined ? [{ interfaceName, cidr: address, isPassing }] : [];
    });
  });
}
