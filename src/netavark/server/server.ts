// The socket on which the plugins of podman 5 and later ask, by netavark or by podman itself.
import type { ShimLimits } from '../../shim/admission.ts';
import { openShimServer, type ShimServer } from '../../shim/server.ts';
import { createNetavarkProtocol, type NetavarkContext, type NetavarkProtocol } from './dispatch.ts';
import { makeTeardownFolder } from './left-teardowns.ts';

/** Compiled into the shim as well. */
const NETAVARK_SOCKET_PATH = '/var/run/calico/netavark.sock';

/** Throws `unavailable`. */
export function openNetavarkServer(
  context: NetavarkContext,
  path = NETAVARK_SOCKET_PATH,
  limits?: ShimLimits,
): Promise<ShimServer<NetavarkProtocol>> {
  makeTeardownFolder(context);
  return openShimServer({ path, limits, log: context.log }, (signal) => createNetavarkProtocol(context, signal));
}
