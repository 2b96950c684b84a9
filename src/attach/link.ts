// The link of an endpoint, as the kernel is asked for it.
import { isOcicatError, OcicatError } from '../base/errors.ts';
import type { ResultRoute } from '../cni/spec/result.ts';
import type { WorkloadLinkSpec } from '../kernel/link/workload-link.ts';
import type { WorkloadEndpoint } from '../model/endpoint/workload-endpoint.ts';
import { addressesOf, idOf, linkOf } from './endpoint.ts';
import { routesOf } from './routes.ts';
import { type CniTask, needNetns } from './task.ts';

/** From the configuration, else what the agent knows; undefined leaves it to the kernel. Throws `not-ready`. */
function chooseMtu({ context, request }: CniTask): number | undefined {
  const mtuBytes = request.config.mtuBytes ?? context.mtuBytes();
  if (mtuBytes === undefined && request.config.requireMtu)
    throw new OcicatError('not-ready', 'choose MTU: require_mtu_file is true and the agent knows none yet');
  return mtuBytes;
}

/** `routes`: those of the network. */
export function linkSpecOf(
  task: CniTask,
  endpoint: WorkloadEndpoint,
  routes: readonly ResultRoute[] = routesOf(task),
): WorkloadLinkSpec {
  const mtuBytes = chooseMtu(task);
  return {
    ...linkOf(endpoint),
    netnsFd: needNetns(task),
    containerName: endpoint.spec.endpoint,
    endpoint: idOf(endpoint),
    ...(mtuBytes === undefined ? {} : { mtuBytes }),
    isMtuFixed: task.request.config.mtuBytes !== undefined,
    queues: task.request.config.queues,
    addresses: addressesOf(endpoint),
    routes: routes.map(({ destination }) => destination),
    allowForwarding: task.request.config.allowForwarding,
  };
}

/**
 * Makes the link, down. When a name in the pod or on the host is taken by a link that is on its way out, as after a DEL
 * of the moment before, waits until that has gone.
 */
export async function createLink({ context }: CniTask, spec: WorkloadLinkSpec): Promise<void> {
  try {
    context.links.create(spec);
  } catch (error) {
    if (!isOcicatError(error, 'already-exists')) throw error;
    await context.links.settled?.();
    context.links.create(spec);
  }
}
