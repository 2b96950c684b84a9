// The DELs that a runtime would have sent for an endpoint: one for each of its networks.
import { type AttachedNetwork, networksOf } from '../cni/spec/attached-networks.ts';
import { OWN_IPAM } from '../cni/spec/config.ts';
import { type CniCall, type CniRequest, parseRequest } from '../cni/spec/request.ts';
import type { WorkloadEndpoint } from '../model/endpoint/workload-endpoint.ts';

function delOf(containerId: string, { network, interfaceName }: AttachedNetwork): CniCall {
  const config = { cniVersion: '1.0.0', name: network, type: 'calico', ipam: { type: OWN_IPAM } };
  const variables = {
    CNI_COMMAND: 'DEL',
    CNI_CONTAINERID: containerId,
    CNI_IFNAME: interfaceName,
    CNI_PATH: '',
    CNI_NETNS: '',
  };
  return { program: 'calico', variables, input: JSON.stringify(config) };
}

export function delsOf(endpoint: WorkloadEndpoint): readonly CniCall[] {
  const unnamed = { network: 'unknown', interfaceName: endpoint.spec.endpoint };
  const networks = networksOf(endpoint);
  return (networks.length > 0 ? networks : [unnamed]).map((one) => delOf(endpoint.spec.containerID ?? '', one));
}

/** The same, as they are served. */
export function requestsOf(
  endpoint: WorkloadEndpoint,
): readonly { readonly call: CniCall; readonly request: CniRequest }[] {
  return delsOf(endpoint).flatMap((call) => {
    const parsed = parseRequest(call);
    return parsed.kind === 'request' ? [{ call, request: parsed.request }] : [];
  });
}
