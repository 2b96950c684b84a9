// BGPConfiguration: how all nodes, or one, speak BGP (Calico v3.33, api/pkg/apis/projectcalico/v3/bgpconfig.go).

import { boolean, choice, looseChoice, parsedText, text } from '../../schema/scalars.ts';
import {
  type Between,
  between,
  created,
  list,
  type ObjectOf,
  object,
  optional,
  required,
  sparse,
} from '../../schema/schema.ts';
import { defineKind } from '../meta/kind.ts';
import { resourceName } from '../meta/names.ts';
import type { Resource } from '../meta/resource.ts';
import { asNumber, ipv4, ipv6, maskedCidr, port } from '../meta/values.ts';
import { community, isCommunity, password, restartTime, routePriority } from './bgp-values.ts';

/** Of a cluster that names none (Calico v3.33, "AS number"; RFC 6996 keeps it for private use). */
export const DEFAULT_AS_NUMBER = 64512;

const MAX_COMMUNITIES = 500;
const range = object({ cidr: required(maskedCidr, 'The range.') });
const communityOrName = parsedText('a community aa:nn or aa:nn:mm, or a name among communities', (value) =>
  isCommunity(value) || resourceName.read(value) !== undefined ? value : undefined,
);

/** "*" alone would be all of them. */
const ignoredInterface = text({
  wanted: 'an interface name: 1 to 15 letters, digits, "_", "." and "-", with "*" for any letters beside others',
  pattern: /^(?!\*$)[a-zA-Z0-9_.*-]{1,15}$/,
});

const specFields = {
  logSeverityScreen: created(
    looseChoice('Trace', 'Debug', 'Info', 'Warning', 'Error', 'Fatal'),
    'Info',
    'How much the BGP program says.',
  ),
  nodeToNodeMeshEnabled: optional(boolean, 'Whether every node peers with every other.', 'true'),
  asNumber: optional(asNumber, 'The AS number of nodes that have none of their own.', `${DEFAULT_AS_NUMBER}`),
  serviceLoadBalancerIPs: sparse(list(range), 'Ranges of Kubernetes load balancer addresses to advertise.'),
  serviceExternalIPs: sparse(list(range), 'Ranges of Kubernetes external addresses to advertise.'),
  serviceClusterIPs: sparse(list(range), 'Ranges of Kubernetes cluster addresses to advertise.'),
  serviceLoadBalancerAggregation: created(
    choice('Enabled', 'Disabled'),
    'Enabled',
    'Whether load balancer addresses are advertised as whole ranges.',
  ),
  communities: sparse(
    list(
      object({
        name: required(resourceName, 'The name.'),
        value: required(community, 'The community.'),
      }),
      { maxItems: MAX_COMMUNITIES },
    ),
    'Names for communities.',
  ),
  prefixAdvertisements: sparse(
    list(
      object({
        cidr: required(maskedCidr, 'Routes in this range.'),
        communities: required(list(communityOrName, { minItems: 1, maxItems: 50 }), 'What they are tagged with.'),
      }),
      { maxItems: MAX_COMMUNITIES },
    ),
    'Which routes are tagged with which communities.',
  ),
  listenPort: sparse(port, 'The port that BGP listens on.', '179'),
  nodeMeshPassword: optional(password, 'The password of sessions of the mesh.'),
  nodeMeshMaxRestartTime: optional(restartTime, 'How long routes of the mesh outlive a restart.', '120s'),
  bindMode: sparse(choice('None', 'NodeIP'), 'Whether BGP listens on all addresses or on those of the node.', 'None'),
  ignoredInterfaces: sparse(list(ignoredInterface), 'Interfaces whose ranges are not taken as directly connected.'),
  localWorkloadPeeringIPV4: sparse(ipv4, 'The address at which workloads speak BGP with their host, the same on all.'),
  localWorkloadPeeringIPV6: sparse(ipv6, 'The same for IPv6; not a link-local one.'),
  programClusterRoutes: sparse(
    choice('Enabled', 'Disabled', 'EnabledIPIPOnly', 'EnabledNoEncapOnly'),
    'Which routes to other nodes the BGP program puts into the kernel.',
    'EnabledNoEncapOnly',
  ),
  ipv4NormalRoutePriority: optional(routePriority, 'The priority of its IPv4 routes.', '1024'),
  ipv6NormalRoutePriority: optional(routePriority, 'The priority of its IPv6 routes.', '1024'),
};

export type BGPConfigurationSpec = ObjectOf<typeof specFields>;

function needsMesh(field: 'nodeMeshPassword' | 'nodeMeshMaxRestartTime'): Between<BGPConfigurationSpec> {
  return between(['nodeToNodeMeshEnabled'], (value, report, isPresent) => {
    if (value.nodeToNodeMeshEnabled === false && isPresent(field)) report(field, 'nothing without a mesh');
  });
}

const spec = object(
  specFields,
  needsMesh('nodeMeshPassword'),
  needsMesh('nodeMeshMaxRestartTime'),
  between([], (_, report, isPresent) => {
    if (isPresent('communities') && !isPresent('prefixAdvertisements')) {
      report('prefixAdvertisements', 'advertisements that use the communities');
    }
  }),
  between(['communities.name', 'prefixAdvertisements.communities'], (value, report) => {
    const names = new Set(value.communities?.map((one) => one.name));
    for (const [index, one] of (value.prefixAdvertisements ?? []).entries()) {
      for (const [at, name] of one.communities.entries()) {
        if (isCommunity(name) || names.has(name)) continue;
        report(`prefixAdvertisements[${index}].communities[${at}]`, 'a name among communities');
      }
    }
  }),
);

export type BGPConfiguration = Resource<BGPConfigurationSpec, undefined, 'BGPConfiguration'>;

/** Fields that concern all nodes together and so belong into `default`. */
const DEFAULT_ONLY = [
  'nodeToNodeMeshEnabled',
  'asNumber',
  'serviceLoadBalancerIPs',
  'serviceExternalIPs',
  'serviceClusterIPs',
  'nodeMeshPassword',
  'nodeMeshMaxRestartTime',
] as const;

/** Fields that only "default" may set, and the two forms of names. */
const named: Between<BGPConfiguration> = between(['metadata.name'], ({ metadata: { name } }, report, isPresent) => {
  if (name === 'default') return;
  if (!name.startsWith('node.')) report('metadata.name', '"default" or "node." and a node');
  for (const field of DEFAULT_ONLY) {
    if (isPresent(`spec.${field}`)) report(`spec.${field}`, 'nothing: only "default" may set it');
  }
});

export const bgpConfiguration = defineKind({
  name: 'BGPConfiguration',
  plural: 'bgpconfigurations',
  aliases: ['bgpconfiguration', 'bgpconfig', 'bgpconfigs'],
  doc: 'How nodes speak BGP: `default` for all, `node.NAME` for one.',
  spec,
  rules: [named],
  columns: [
    { heading: 'NAME', value: (one) => one.metadata.name },
    { heading: 'LOGSEVERITY', value: (one) => one.spec.logSeverityScreen ?? '-' },
    { heading: 'MESHENABLED', value: (one) => String(one.spec.nodeToNodeMeshEnabled ?? '-') },
    { heading: 'ASNUMBER', value: (one) => String(one.spec.asNumber ?? '-') },
  ],
  table: ['NAME', 'LOGSEVERITY', 'MESHENABLED', 'ASNUMBER'],
});
