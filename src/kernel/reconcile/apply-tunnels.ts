// Applies a difference of tunnels: each is made whole by one message, so that one that is there at all can be told as ours.
import { OcicatError } from '../../base/errors.ts';
import { isIpv4 } from '../../net/ip.ts';
import { EEXIST, ENODEV } from '../../sys/libc.ts';
import * as netlink from '../../sys/netlink.ts';
import { applySysctls } from '../../sys/sysctl.ts';
import {
  type TunnelIdentity,
  type TunnelLink,
  writeTunnel,
  writeTunnelCorrection,
  writeTunnelRemoval,
} from '../link/tunnel-link.ts';
import type { PathState } from './path-state.ts';
import { isOurTunnel, type ObservedHost, type TunnelDifference } from './tunnel-difference.ts';

function tryChange(
  socket: netlink.Netlink,
  action: string,
  write: (writer: netlink.MessageWriter) => void,
  done: readonly number[] = [ENODEV],
): readonly OcicatError[] {
  const writer = netlink.createMessageWriter(256);
  write(writer);
  const [refusal] = socket.tryRequest(writer, writer.count);
  return refusal === undefined || done.includes(refusal.errno) ? [] : [netlink.refusalError(action, refusal)];
}

/** With its module the kernel makes a link of that name by itself, which then counts as found. */
const MADE_BY_KERNEL: Readonly<Record<TunnelIdentity['kind'], readonly number[]>> = { vxlan: [], ipip: [EEXIST] };

/** Takes the kernel some 20 ms for each. */
export function removeTunnels(socket: netlink.Netlink, links: readonly TunnelLink[]): readonly OcicatError[] {
  return links.flatMap(({ name, index }) =>
    tryChange(socket, `remove link "${name}"`, (writer) => writeTunnelRemoval(writer, index)),
  );
}

/** Makes and corrects; one that stands in the place of another goes before. */
export function makeTunnels(
  socket: netlink.Netlink,
  { removed, made, corrected }: TunnelDifference,
): readonly OcicatError[] {
  const names = new Set(made.map(({ name }) => name));
  return [
    ...removeTunnels(
      socket,
      removed.filter(({ name }) => names.has(name)),
    ),
    ...made.flatMap((tunnel) =>
      tryChange(
        socket,
        `make link "${tunnel.name}"`,
        (writer) => writeTunnel(writer, tunnel),
        MADE_BY_KERNEL[tunnel.identity.kind],
      ),
    ),
    ...corrected.flatMap(({ index, name, mtuBytes }) =>
      tryChange(socket, `set up link "${name}"`, (writer) => writeTunnelCorrection(writer, index, mtuBytes)),
    ),
  ];
}

/** The host may have IPv6 switched off on links that are new: a tunnel that lacks an address of IPv6 has it switched on. */
export function allowIpv6(tunnels: PathState['tunnels'], { links, addresses }: ObservedHost): readonly OcicatError[] {
  const held = new Set(addresses.map(({ address, interfaceIndex }) => `${interfaceIndex} ${address.address}`));
  const lacking = links.filter((link) => {
    const wanted = isOurTunnel(link) ? tunnels.get(link.name)?.addresses : undefined;
    return wanted?.some((ip) => !isIpv4(ip) && !held.has(`${link.index} ${ip}`));
  });
  try {
    const named = lacking.map(({ name }) => `net/ipv6/conf/${name}/disable_ipv6`);
    applySysctls(named.map((name) => ({ name, value: '0', optional: true })));
    return [];
  } catch (error) {
    if (error instanceof OcicatError) return [error];
    throw error;
  }
}
