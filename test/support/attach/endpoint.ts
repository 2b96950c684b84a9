// An endpoint of a container as an ADD makes it, for tests that only ask whose it is.
import { createEndpoint } from '../../../src/attach/endpoint/endpoint.ts';
import type { WorkloadEndpoint } from '../../../src/model/endpoint/workload-endpoint.ts';
import { parseIp } from '../../../src/net/ip.ts';
import { parseMac } from '../../../src/net/mac.ts';

export function makeEndpoint(containerId: string, interfaceName: string, hostName: string): WorkloadEndpoint {
  return createEndpoint({
    nodeName: 'host-1',
    containerId,
    interfaceName,
    namespace: undefined,
    labels: {},
    workload: undefined,
    names: [],
    dns: 'off',
    controls: undefined,
    portMappings: [],
    network: 'network1',
    addresses: [parseIp('192.168.0.5')],
    hostName,
    mac: parseMac('02:00:00:00:00:01'),
    nowMs: 0,
  });
}
