// The other interfaces of a container: what they have is not a request's to give again or to take.
import type { Attachment } from '../../model/endpoint/workload-endpoint-name.ts';
import type { Ip } from '../../net/ip.ts';
import { addressesOf } from './endpoint.ts';
import type { EndpointReader } from './endpoint-index.ts';

/** Addresses of the container's endpoints but the interface's own. */
export function otherAddresses(
  cache: Pick<EndpointReader, 'endpointsOf'>,
  { containerId, interfaceName }: Attachment,
): ReadonlySet<Ip> {
  const others = cache.endpointsOf(containerId).filter(({ endpoint }) => endpoint.spec.endpoint !== interfaceName);
  return new Set(others.flatMap(({ endpoint }) => addressesOf(endpoint)));
}
