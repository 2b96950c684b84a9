// The endpoint of a container: its name, and the resource that the store gets (Calico v3.33,
// cni-plugin/pkg/plugin/plugin.go).
import { randomUUID } from 'node:crypto';
import { OcicatError } from '../../base/errors.ts';
import { printTime } from '../../blocks/block.ts';
import { gatewayOf, type RaisedLink } from '../../kernel/link/workload-link.ts';
import { storableContainerId } from '../../model/endpoint/container-id.ts';
import { portMappingsOf, printPortMappings } from '../../model/endpoint/port-mappings.ts';
import type { QosControls } from '../../model/endpoint/qos-controls.ts';
import { LABEL_NAMESPACE, LABEL_ORCHESTRATOR, type WorkloadEndpoint } from '../../model/endpoint/workload-endpoint.ts';
import { type Attachment, ORCHESTRATOR, tryComputeEndpointName } from '../../model/endpoint/workload-endpoint-name.ts';
import { API_VERSION } from '../../model/meta/resource.ts';
import type { NetworkDns } from '../../names/annotations.ts';
import { formatCidr, hostCidr, parseCidr } from '../../net/cidr.ts';
import { bitsOf, familyOf, type Ip } from '../../net/ip.ts';
import { type Mac, parseMac } from '../../net/mac.ts';
import { familiesFromLoopback, joinPortMappings, type PortMapping } from '../../net/port-mapping.ts';
import { annotationsOf } from './endpoint-naming.ts';

export const DEFAULT_NAMESPACE = 'default';

/** `<namespace>/<name>`. */
export type EndpointId = string;

/** An address, and what the workload reaches others by. */
export interface AttachedAddress {
  readonly ip: Ip;
  /** Of its block; 32 or 128 when it was asked for by itself. */
  readonly prefixLength: number;
  readonly gateway: Ip;
}

export interface EndpointParts {
  readonly nodeName: string;
  readonly containerId: string;
  readonly interfaceName: string;
  readonly namespace: string | undefined;
  readonly labels: Readonly<Record<string, string>>;
  readonly workload: string | undefined;
  readonly names: readonly string[];
  readonly dns: NetworkDns;
  readonly controls: QosControls | undefined;
  readonly portMappings: readonly PortMapping[];
  readonly network: string;
  readonly addresses: readonly Ip[];
  readonly hostName: string;
  readonly mac: Mac;
  readonly nowMs: number;
}

/** undefined when a part cannot stand in a name. */
export function tryNameEndpoint(nodeName: string, containerId: string, interfaceName: string): string | undefined {
  const identity = { node: nodeName, orchestrator: ORCHESTRATOR, containerID: containerId, endpoint: interfaceName };
  return tryComputeEndpointName(identity);
}

/** Throws `invalid` when a part cannot stand in a name. */
export function computeEndpointName(nodeName: string, containerId: string, interfaceName: string): string {
  const name = tryNameEndpoint(nodeName, containerId, interfaceName);
  if (name !== undefined) return name;
  throw new OcicatError(
    'invalid',
    `name endpoint of container "${containerId}", interface "${interfaceName}": a part begins or ends with "-"`,
  );
}

export function createEndpoint(parts: EndpointParts): WorkloadEndpoint {
  const namespace = parts.namespace ?? DEFAULT_NAMESPACE;
  const annotations = { ...annotationsOf(parts), ...printPortMappings(joinPortMappings(parts.portMappings)) };
  return {
    kind: 'WorkloadEndpoint',
    apiVersion: API_VERSION,
    metadata: {
      name: computeEndpointName(parts.nodeName, parts.containerId, parts.interfaceName),
      namespace,
      uid: randomUUID(),
      creationTimestamp: printTime(parts.nowMs),
      labels: { ...parts.labels, [LABEL_NAMESPACE]: namespace, [LABEL_ORCHESTRATOR]: ORCHESTRATOR },
      ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
    },
    spec: {
      orchestrator: ORCHESTRATOR,
      ...(parts.workload === undefined ? {} : { workload: parts.workload }),
      node: parts.nodeName,
      containerID: parts.containerId,
      endpoint: parts.interfaceName,
      ipNetworks: parts.addresses.map((ip) => formatCidr(hostCidr(ip))),
      profiles: [parts.network],
      interfaceName: parts.hostName,
      mac: parts.mac,
      ...(parts.controls === undefined ? {} : { qosControls: parts.controls }),
    },
  };
}

export function idOf(endpoint: WorkloadEndpoint): EndpointId {
  return `${endpoint.metadata.namespace ?? DEFAULT_NAMESPACE}/${endpoint.metadata.name}`;
}

/** Which interface of which container an endpoint is. */
export function attachmentOf({ spec }: WorkloadEndpoint): Attachment {
  return { containerId: storableContainerId(spec.containerID ?? ''), interfaceName: spec.endpoint };
}

export function addressesOf(endpoint: WorkloadEndpoint): readonly Ip[] {
  return (endpoint.spec.ipNetworks ?? []).map((range) => parseCidr(range).address);
}

/** Its addresses as its client is told of them: each by itself, behind the gateway that all have. */
export function attachedAddressesOf(endpoint: WorkloadEndpoint): readonly AttachedAddress[] {
  return addressesOf(endpoint).map((ip) => {
    const family = familyOf(ip);
    return { ip, prefixLength: bitsOf(family), gateway: gatewayOf(family) };
  });
}

/** Its link, and as it is to be raised. */
export function linkOf(endpoint: WorkloadEndpoint): Pick<RaisedLink, 'hostName' | 'mac' | 'fromLoopback'> {
  const { interfaceName, mac } = endpoint.spec;
  const fromLoopback = familiesFromLoopback(portMappingsOf(endpoint));
  if (interfaceName !== undefined && mac !== undefined)
    return { hostName: interfaceName, mac: parseMac(mac), fromLoopback };
  throw new OcicatError('corrupt', `read endpoint "${idOf(endpoint)}": it has no interfaceName or no mac`);
}
