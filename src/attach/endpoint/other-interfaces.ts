// The other interfaces of a container: what they have is not a request's to give again or to take.
import type { Attachment } from '../../model/endpoint/workload-endpoint-name.ts';
import type { Ip } from '../../net/ip.ts';
import { addressesOf, endpointsOf } from './endpoint.ts';
import type { NodeCache } from './node-cache.ts';

/** Addresses of the container's endpoints but the interface's own. */
export function otherAddresses(cache: NodeCache, { containerId, interfaceName }: Attachment): ReadonlySet<Ip> {
  const others = endpointsOf(cache, containerId).filter(({ endpoint }) => endpoint.spec.endpoint !== interfaceName);
  return new Set(others.flatMap(({ endpoint }) => addressesOf(endpoint)));
}
