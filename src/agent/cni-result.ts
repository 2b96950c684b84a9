// The result of connecting a container, new or known.
import type { CniRequest } from '../cni/request.ts';
import type { CniResult, ResultRoute } from '../cni/result.ts';
import type { Assigned } from '../ipam/assign.ts';
import type { Pool } from '../ipam/pool.ts';
import type { WorkloadEndpoint } from '../model/workload-endpoint.ts';
import { cidrContains, hostCidr } from '../net/cidr.ts';
import { bitsOf, familyOf, type Ip } from '../net/ip.ts';
import { addressesOf } from './cni-endpoint.ts';

/** Calico's IPAM returns one route for each address: to the address itself, with its block's prefix length. */
export function routesOf(assigned: readonly Assigned[]): readonly ResultRoute[] {
  return assigned.map(({ ip, prefixLength }) => ({ destination: { address: ip, prefixLength } }));
}

/** What an address was assigned as, found out afterwards: its pool's block, or itself when it is asked for by name. */
export function recallAssigned(ip: Ip, pools: readonly Pool[], exact: Ip | undefined): Assigned {
  const pool = pools.find(({ cidr }) => cidrContains(cidr, ip));
  return { ip, prefixLength: pool === undefined || ip === exact ? bitsOf(familyOf(ip)) : pool.blockPrefixLength };
}

export interface ResultParts {
  readonly request: CniRequest;
  readonly endpoint: WorkloadEndpoint;
  readonly mtuBytes: number | undefined;
  readonly routes: readonly ResultRoute[];
  readonly dns: CniResult['dns'];
}

/**
 * The host's link, then the container's (facts: calico §1.5, step 13). A container that joins another network is told
 * the interface that it really has; Calico names the one that was asked for, which does not exist.
 */
export function createResult({ request, endpoint, mtuBytes, routes, dns }: ResultParts): CniResult {
  const { interfaceName = '', endpoint: name, mac } = endpoint.spec;
  return {
    interfaces: [{ name: interfaceName }, { name, mac, mtuBytes, sandbox: request.environment.netns }],
    addresses: addressesOf(endpoint).map((ip) => ({ address: hostCidr(ip), interface: 1 })),
    routes,
    dns,
  };
}
