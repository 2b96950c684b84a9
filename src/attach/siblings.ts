// The other interfaces of a container: what they have is not the call's to give again or to take.
import type { Ip } from '../net/ip.ts';
import { addressesOf, endpointsOf } from './endpoint.ts';
import type { CniTask } from './task.ts';

/** Addresses of the container's endpoints but the one whose interface is called so. */
export function siblingAddresses({ context, request }: CniTask, interfaceName: string): ReadonlySet<Ip> {
  const endpoints = endpointsOf(context.memory, request.environment.containerId);
  const siblings = endpoints.filter(({ endpoint }) => endpoint.spec.endpoint !== interfaceName);
  return new Set(siblings.flatMap(({ endpoint }) => addressesOf(endpoint)));
}
