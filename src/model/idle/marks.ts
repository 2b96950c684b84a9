// The one list of what is stored and shown and has no effect here: kinds, fields, and values of fields. What apply and
// validate warn of, what explain and the reference pages say, what the agent's log names, and a section of
// docs/differences.md follow from it; a test holds that everything else acts.

import { namesOf } from '../../schema/schema.ts';
import { felixConfigurationSpec } from '../felix/felix-configuration.ts';

export interface IdleMark {
  /** From the resource on, by names; `''` is the whole kind. What lies below a marked field is marked with it. */
  readonly path: string;
  /** What that means, as the end of a sentence that begins with "no effect here:". */
  readonly why: string;
  /** The values that have none; undefined: whatever is not the default. */
  readonly values?: readonly (string | boolean)[];
  /** Values beside the default that say what is so anyway. */
  readonly holds?: readonly (string | boolean)[];
}

/** The settings that the agent acts on. */
export const ACTING_FELIX_FIELDS = [
  'defaultEndpointToHostAction',
  'nftablesFilterDenyAction',
  'logPrefix',
  'logActionRateLimit',
  'logActionRateLimitBurst',
  'vxlanPort',
  'allowVXLANPacketsFromWorkloads',
  'allowIPIPPacketsFromWorkloads',
  'ipForwarding',
  'logSeverityScreen',
  'natPortRange',
  'natOutgoingAddress',
  'natOutgoingExclusions',
  'iptablesNATOutgoingInterfaceFilter',
  'externalNodesList',
  'floatingIPs',
] as const satisfies readonly (keyof typeof felixConfigurationSpec.fields)[];

/** Settings, and the values of them that say what this agent does anyway. */
const FELIX_AS_IT_IS: Readonly<Record<string, readonly (string | boolean)[]>> = {
  reportingInterval: ['0s'],
  usageReportingEnabled: [false],
  xdpEnabled: [false],
  ipipEnabled: [false],
  vxlanEnabled: [false],
  nftablesMode: ['Enabled'],
  iptablesBackend: ['NFT'],
};

const felix: readonly IdleMark[] = namesOf(felixConfigurationSpec.fields)
  .filter((name) => !(ACTING_FELIX_FIELDS as readonly string[]).includes(name))
  .map((name) =>
    name === 'nodeSelector'
      ? { path: 'spec.nodeSelector', why: 'only the configurations `default` and `node.NAME` are read' }
      : { path: `spec.${name}`, why: 'the agent has no such setting', ...holdsOf(name) },
  );

function holdsOf(name: string): Pick<IdleMark, 'holds'> {
  const holds = FELIX_AS_IT_IS[name];
  return holds === undefined ? {} : { holds };
}

const NO_SERVICES = 'there are no services; the rule matches nothing';
const NO_HOST_POLICY = 'policy of host endpoints is not enforced';
const NO_TUNNELS =
  'the tunnels between hosts are not made; its addresses do not reach other hosts, and are given only to who names the pool';
const NO_TUNNEL_ADDRESS = 'no tunnel is made';

/** Of rules in one direction. */
function ruleMarks(direction: 'ingress' | 'egress'): readonly IdleMark[] {
  return [
    { path: `spec.${direction}.http`, why: 'the kernel does not see requests; the rule allows nothing' },
    { path: `spec.${direction}.source.services`, why: NO_SERVICES },
    { path: `spec.${direction}.destination.services`, why: NO_SERVICES },
  ];
}

const rules = [...ruleMarks('ingress'), ...ruleMarks('egress')];
const HOST_POLICY: readonly IdleMark[] = ['doNotTrack', 'preDNAT', 'applyOnForward'].map((name) => ({
  path: `spec.${name}`,
  why: NO_HOST_POLICY,
}));

/** By kind. */
export const IDLE_MARKS: Readonly<Record<string, readonly IdleMark[]>> = {
  FelixConfiguration: felix,
  BGPConfiguration: [
    ...['serviceLoadBalancerIPs', 'serviceExternalIPs', 'serviceClusterIPs', 'serviceLoadBalancerAggregation'].map(
      (name) => ({ path: `spec.${name}`, why: 'there are no services' }),
    ),
    { path: 'spec.nodeMeshPassword', why: 'sessions have no password' },
    { path: 'spec.localWorkloadPeeringIPV4', why: 'nobody peers with workloads' },
    { path: 'spec.localWorkloadPeeringIPV6', why: 'nobody peers with workloads' },
  ],
  BGPPeer: [
    { path: 'spec.password', why: 'sessions have no password' },
    { path: 'spec.localWorkloadSelector', why: 'nobody peers with workloads' },
  ],
  IPPool: [
    { path: 'spec.ipipMode', why: NO_TUNNELS, values: ['Always', 'CrossSubnet'] },
    { path: 'spec.vxlanMode', why: NO_TUNNELS, values: ['Always', 'CrossSubnet'] },
  ],
  IPAMConfiguration: [{ path: '', why: 'with etcd, `calicoctl ipam configure` sets what counts' }],
  HostEndpoint: [
    { path: '', why: `${NO_HOST_POLICY}; its labels, addresses and ports count in selectors of rules alone` },
  ],
  NetworkPolicy: rules,
  GlobalNetworkPolicy: [...rules, ...HOST_POLICY],
  StagedNetworkPolicy: rules,
  StagedGlobalNetworkPolicy: [...rules, ...HOST_POLICY],
  Profile: rules,
  Node: [
    { path: 'spec.bgp.ipv4IPIPTunnelAddr', why: NO_TUNNEL_ADDRESS },
    { path: 'spec.ipv4VXLANTunnelAddr', why: NO_TUNNEL_ADDRESS },
    { path: 'spec.vxlanTunnelMACAddr', why: NO_TUNNEL_ADDRESS },
    { path: 'spec.ipv6VXLANTunnelAddr', why: NO_TUNNEL_ADDRESS },
    { path: 'spec.vxlanTunnelMACAddrV6', why: NO_TUNNEL_ADDRESS },
    { path: 'spec.wireguard', why: 'nothing is encrypted' },
  ],
  WorkloadEndpoint: [
    { path: 'spec.ipv4Gateway', why: 'the gateway is the host end of its link' },
    { path: 'spec.ipv6Gateway', why: 'the gateway is the host end of its link' },
    { path: 'spec.ports.hostPort', why: 'no port of the host is mapped' },
    { path: 'spec.ports.hostIP', why: 'no port of the host is mapped' },
  ],
};

/** What programs and people note for others to read: nothing is asked of anybody by it. */
export const NOTES: Readonly<Record<string, readonly string[]>> = {
  Node: ['spec.orchRefs', 'spec.addresses', 'spec.interfaces'],
};
