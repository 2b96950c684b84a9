// The routes that a node's own workloads need: one for each address, through the workload's link.
import { type Cidr, formatCidr, hostCidr } from '../net/cidr.ts';
import type { Ip } from '../net/ip.ts';

export interface LocalWorkload {
  /** `<namespace>/<name>` of the endpoint. */
  readonly id: string;
  readonly interfaceName: string;
  readonly addresses: readonly Ip[];
}

export interface WorkloadRoute {
  readonly destination: Cidr;
  readonly interfaceName: string;
}

/**
 * By destination text. When two endpoints claim an address, the one whose id sorts first has it, so that the result does
 * not depend on who came first.
 */
export function computeWorkloadRoutes(workloads: readonly LocalWorkload[]): ReadonlyMap<string, WorkloadRoute> {
  const routes = new Map<string, WorkloadRoute>();
  for (const { interfaceName, addresses } of [...workloads].sort((a, b) => (a.id < b.id ? -1 : 1))) {
    for (const destination of addresses.map(hostCidr)) {
      const key = formatCidr(destination);
      if (!routes.has(key)) routes.set(key, { destination, interfaceName });
    }
  }
  return routes;
}
