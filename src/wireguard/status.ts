// This host's WireGuard devices, as people are shown them.
import { isOcicatError } from '../base/errors.ts';
import { observeLinkOfIndex } from '../kernel/link/links.ts';
import { observeTunnelLink, type TunnelStatus } from '../kernel/link/tunnel-status.ts';
import { withRouteSocket } from '../sys/netlink.ts';
import { observeWireguardLinks, type WireguardLink } from './link.ts';
import { createNetlinkControl } from './netlink-control.ts';
import { createUapiControl, findSocket } from './uapi-socket.ts';

/** Undefined where nothing answers: the program that encrypts has ended, and nothing passes. */
async function tryCountPeers({ name, kind }: WireguardLink): Promise<number | undefined> {
  try {
    const { peers } = await (kind === 'kernel'
      ? createNetlinkControl(name)
      : createUapiControl(name, findSocket(name))
    ).read();
    return peers.length;
  } catch (error) {
    if (isOcicatError(error)) return undefined;
    throw error;
  }
}

/** In the calling thread's network namespace, that for IPv4 first. */
export async function observeWireguardTunnels(): Promise<readonly TunnelStatus[]> {
  const devices = withRouteSocket((socket) =>
    ([4, 6] as const)
      .flatMap((family) => observeWireguardLinks(socket, family))
      .flatMap((device) => {
        const link = observeLinkOfIndex(socket, device.index);
        return link === undefined ? [] : [{ device, status: observeTunnelLink(socket, link) }];
      }),
  );
  return Promise.all(
    devices.map(async ({ device, status }) => {
      const peers = await tryCountPeers(device);
      return { ...status, isUp: status.isUp && peers !== undefined, peers };
    }),
  );
}
