// The result of connecting a container, new or known.
import type { CniRequest } from '../cni/spec/request.ts';
import type { CniResult, ResultRoute } from '../cni/spec/result.ts';
import { gatewayOf } from '../kernel/link/workload-link.ts';
import type { WorkloadEndpoint } from '../model/endpoint/workload-endpoint.ts';
import { hostCidr } from '../net/cidr.ts';
import { familyOf } from '../net/ip.ts';
import { addressesOf } from './endpoint.ts';

export interface ResultParts {
  readonly request: CniRequest;
  readonly endpoint: WorkloadEndpoint;
  readonly mtuBytes: number | undefined;
  readonly routes: readonly ResultRoute[];
  readonly dns: CniResult['dns'];
}

/**
 * The host's link, then the container's (Calico v3.33, cni-plugin/pkg/plugin/plugin.go). A container that joins another
 * network is told the interface that it really has; Calico names the one that was asked for, which does not exist. The
 * gateway is said, since `sbr` takes the default route out of the pod's main table and makes it again from there.
 */
export function createResult({ request, endpoint, mtuBytes, routes, dns }: ResultParts): CniResult {
  const { interfaceName = '', endpoint: name, mac } = endpoint.spec;
  return {
    interfaces: [{ name: interfaceName }, { name, mac, mtuBytes, sandbox: request.environment.netns }],
    addresses: addressesOf(endpoint).map((ip) => ({
      address: hostCidr(ip),
      gateway: gatewayOf(familyOf(ip)),
      interface: 1,
    })),
    routes,
    // the file's word before the IPAM plugin's, as with the reference plugins
    dns: Object.keys(request.config.dns).length > 0 ? request.config.dns : dns,
  };
}
