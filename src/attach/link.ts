// The link of an endpoint, as the kernel is asked for it.
import { isOcicatError, OcicatError } from '../base/errors.ts';
import { handoverNameOf, type WorkloadLinkSpec } from '../kernel/link/workload-link.ts';
import type { WorkloadEndpoint } from '../model/endpoint/workload-endpoint.ts';
import type { Ip } from '../net/ip.ts';
import type { AttachContext } from './context.ts';
import { addressesOf, idOf, linkOf } from './endpoint/endpoint.ts';
import type { Operation } from './operation.ts';
import type { AttachRequest, Route } from './request.ts';
import { routesOf } from './routes.ts';

/** The one that is asked for, else what the agent knows; undefined leaves it to the kernel. Throws `not-ready`. */
function chooseMtu({ context, request }: Operation<AttachRequest>, addresses: readonly Ip[]): number | undefined {
  const mtuBytes = request.mtuBytes ?? context.mtuBytes(addresses);
  if (mtuBytes === undefined && request.needsMtu)
    throw new OcicatError('not-ready', 'choose MTU: the request needs one and the agent knows none yet');
  return mtuBytes;
}

/** `routes`: those of the network. */
export function linkSpecOf(
  operation: Operation<AttachRequest>,
  endpoint: WorkloadEndpoint,
  routes: readonly Route[] = routesOf(operation),
): WorkloadLinkSpec {
  const { netnsFd, mtuBytes: fixed, queues, allowForwarding, isInternal } = operation.request;
  const addresses = addressesOf(endpoint);
  const mtuBytes = chooseMtu(operation, addresses);
  const link = linkOf(endpoint);
  return {
    ...link,
    netnsFd,
    containerName: netnsFd === undefined ? handoverNameOf(link.hostName) : endpoint.spec.endpoint,
    endpoint: idOf(endpoint),
    ...(mtuBytes === undefined ? {} : { mtuBytes }),
    isMtuFixed: fixed !== undefined,
    queues,
    addresses,
    routes: routes.map(({ destination }) => destination),
    allowForwarding,
    isLast: isInternal,
  };
}

/**
 * Makes the link, down. When a name in the pod or on the host is taken by a link that is on its way out, as after a DEL
 * of the moment before, waits until that has gone.
 */
export async function createLink({ links }: AttachContext, spec: WorkloadLinkSpec): Promise<void> {
  try {
    links.create(spec);
  } catch (error) {
    if (!isOcicatError(error, 'already-exists')) throw error;
    await links.settled?.();
    links.create(spec);
  }
}
