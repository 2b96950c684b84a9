// The links by which packets leave a host, by their names, with the MTU of each.
import { withRouteSocket } from '../../sys/netlink.ts';
import { observeLinks } from './links.ts';

export interface Uplink {
  readonly name: string;
  readonly mtuBytes: number;
}

/** How they are called: Felix's default of mtuIfacePattern. */
const USUAL = /^((en|wl|ww|sl|ib)[Pcopsvx].*|(eth|wlan|wwan).*)/;

/** Those that packets can pass, the one with the smallest MTU first; in the calling thread's namespace. */
export function observeUplinks(names: RegExp = USUAL): readonly Uplink[] {
  return withRouteSocket(observeLinks)
    .filter(({ name, up, running }) => up && running && names.test(name))
    .map(({ name, mtuBytes }) => ({ name, mtuBytes }))
    .sort((a, b) => a.mtuBytes - b.mtuBytes);
}
