// WorkloadEndpoint: one interface of one workload, as the network plugin stores it (Calico v3.33,
// libcalico-go/lib/names/workloadendpoint.go).
import { cidrContains, parseCidr } from '../../net/cidr.ts';
import { familyOf, formatIp, parseIp, tryParseIp } from '../../net/ip.ts';
import { integer, parsedText } from '../../schema/scalars.ts';
import {
  type Between,
  between,
  filled,
  list,
  type ObjectOf,
  object,
  optional,
  required,
  type Scalar,
  sparse,
} from '../../schema/schema.ts';
import { joinItems } from '../meta/cells.ts';
import { defineKind } from '../meta/kind.ts';
import { containerId, endpointPortName, interfaceName, isDnsSubdomain, resourceName } from '../meta/names.ts';
import type { Resource } from '../meta/resource.ts';
import { cidrOrIp, interfaceCidr, ip, ipv4, ipv6, mac, port, portProtocol } from '../meta/values.ts';
import { qosControls } from './qos-controls.ts';
import { identifyingField, tryComputeEndpointName } from './workload-endpoint-name.ts';

const ipNetwork = parsedText('an address, or a range of one address (/32 or /128)', (value) => {
  const range = interfaceCidr.read(value);
  return typeof range === 'string' && range.endsWith(range.includes(':') ? '/128' : '/32') ? range : undefined;
});

const portNameOrNothing = parsedText(endpointPortName.wanted, (value) =>
  value === '' || endpointPortName.read(value) !== undefined ? value : undefined,
);
const hostAddress = parsedText('an address or nothing', (value) => (value === '' ? '' : tryReadIp(value)));

function tryReadIp(value: string): string | undefined {
  const address = tryParseIp(value);
  return address === undefined ? undefined : formatIp(address);
}

const workloadPort = object(
  {
    name: filled(portNameOrNothing, '', 'The name that rules use.'),
    protocol: required(portProtocol, 'The protocol.'),
    port: required(port, 'The number.'),
    hostPort: filled(integer(0, 65535), 0, 'The port of the host that is mapped to it; 0 for none.'),
    hostIP: filled(hostAddress, '', 'The address of the host that is mapped to it.'),
  },
  between(['name', 'hostPort'], (value, report) => {
    if (value.name === '' && value.hostPort === 0) report('name', 'a name, or a hostPort', 'nothing');
  }),
);

const ipNat = object(
  {
    internalIP: required(ip, 'An address of the endpoint.'),
    externalIP: required(ip, 'The address that is translated to it.'),
  },
  between(['internalIP', 'externalIP'], (value, report) => {
    if (familyOf(parseIp(value.internalIP)) === familyOf(parseIp(value.externalIP))) return;
    report('externalIP', 'an address of the family of internalIP');
  }),
);

const specFields = {
  orchestrator: required(resourceName, 'What runs the workload: cni, rkt.'),
  workload: sparse(resourceName, 'The workload, for orchestrators other than cni and k8s.'),
  node: required(resourceName, 'The node that it runs on.'),
  containerID: sparse(containerId, 'The container.'),
  pod: sparse(resourceName, 'The pod, for orchestrator k8s.'),
  endpoint: required(resourceName, 'The interface inside the container.'),
  serviceAccountName: sparse(resourceName, 'The service account, for orchestrator k8s.'),
  ipNetworks: sparse(list(ipNetwork), 'The addresses, as ranges of one address.'),
  ipNATs: sparse(list(ipNat), 'Addresses that are translated to one of its own, where floatingIPs is Enabled.'),
  ipv4Gateway: sparse(ipv4, 'The gateway for IPv4.'),
  ipv6Gateway: sparse(ipv6, 'The gateway for IPv6.'),
  profiles: sparse(list(resourceName), 'Profiles, in the order in which they apply.'),
  interfaceName: required(interfaceName, "The host's end of its link."),
  mac: sparse(mac, 'The MAC address of its interface.'),
  ports: sparse(list(workloadPort), 'Ports that rules can name.'),
  allowSpoofedSourcePrefixes: sparse(list(cidrOrIp), 'Addresses other than its own that it may send from.'),
  qosControls: optional(qosControls, 'Limits on its traffic.'),
};

type WorkloadEndpointSpec = ObjectOf<typeof specFields>;
const spec = object(
  specFields,
  between(['orchestrator'], ({ orchestrator }, report, isPresent) => {
    const field = identifyingField(orchestrator);
    if (field !== undefined && !isPresent(field)) report(field, `the ${field}, which is a part of the endpoint's name`);
  }),
  between(['ipNetworks', 'ipNATs.internalIP'], ({ ipNetworks = [], ipNATs = [] }, report) => {
    const own = ipNetworks.map(parseCidr);
    for (const [index, { internalIP }] of ipNATs.entries()) {
      const inside = own.some((range) => cidrContains(range, parseIp(internalIP)));
      if (!inside) report(`ipNATs[${index}].internalIP`, 'one of ipNetworks');
    }
  }),
);
export type WorkloadEndpoint = Resource<WorkloadEndpointSpec, undefined, 'WorkloadEndpoint'>;

export const LABEL_NAMESPACE = 'projectcalico.org/namespace';
export const LABEL_ORCHESTRATOR = 'projectcalico.org/orchestrator';

/** The name as metadata has it; whether it is the one that the spec makes is another rule. */
const endpointName: Scalar<string> = {
  ...resourceName,
  wanted: 'node, orchestrator, workload or container, and endpoint, with "-" between and each "-" in them doubled',
};

const nameFromSpec: Between<WorkloadEndpoint> = between(
  ['metadata.name', 'spec.node', 'spec.orchestrator', 'spec.endpoint', 'spec.workload', 'spec.containerID', 'spec.pod'],
  (one, report) => {
    const name = tryComputeEndpointName(one.spec);
    if (name === undefined || name === one.metadata.name) return;
    if (isDnsSubdomain(name)) report('metadata.name', `${JSON.stringify(name)}, which the spec makes`);
    else report('spec', `parts of a name: ${resourceName.wanted}`, JSON.stringify(name));
  },
);

function withForcedLabels(one: WorkloadEndpoint): WorkloadEndpoint {
  const forced = {
    [LABEL_NAMESPACE]: one.metadata.namespace ?? 'default',
    [LABEL_ORCHESTRATOR]: one.spec.orchestrator,
  };
  return { ...one, metadata: { ...one.metadata, labels: { ...one.metadata.labels, ...forced } } };
}

export const workloadEndpoint = defineKind({
  name: 'WorkloadEndpoint',
  plural: 'workloadendpoints',
  aliases: ['workloadendpoint', 'wep', 'weps'],
  namespaced: true,
  doc: 'One interface of one workload. The network plugin writes it; its name follows from node, orchestrator and container.',
  names: endpointName,
  spec,
  rules: [nameFromSpec],
  columns: [
    { heading: 'NAME', value: (one) => one.metadata.name },
    { heading: 'NAMESPACE', value: (one) => one.metadata.namespace ?? '' },
    { heading: 'WORKLOAD', value: (one) => one.spec.workload ?? one.spec.pod ?? '' },
    { heading: 'ORCHESTRATOR', value: (one) => one.spec.orchestrator },
    { heading: 'NODE', value: (one) => one.spec.node },
    { heading: 'NETWORKS', value: (one) => joinItems(one.spec.ipNetworks) },
    { heading: 'INTERFACE', value: (one) => one.spec.interfaceName },
    { heading: 'PROFILES', value: (one) => joinItems(one.spec.profiles) },
    {
      heading: 'NATS',
      value: (one) => joinItems((one.spec.ipNATs ?? []).map((nat) => `${nat.internalIP}/${nat.externalIP}`)),
    },
  ],
  table: ['WORKLOAD', 'NODE', 'NETWORKS', 'INTERFACE'],
  wideTable: ['NAME', 'WORKLOAD', 'NODE', 'NETWORKS', 'INTERFACE', 'PROFILES', 'NATS'],
  toStored: withForcedLabels,
});
