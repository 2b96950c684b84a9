// Which fields of FelixConfiguration act, and why each of the others does nothing here.
import { namesOf } from '../../schema/schema.ts';
import { felixConfigurationSpec } from '../felix/felix-configuration.ts';
import type { IdleMark } from './idle-mark.ts';

type FelixField = keyof typeof felixConfigurationSpec.fields;

/** The settings that the agent acts on. */
export const ACTING_FELIX_FIELDS = [
  'nodeSelector',
  'defaultEndpointToHostAction',
  'nftablesFilterDenyAction',
  'logPrefix',
  'logActionRateLimit',
  'logActionRateLimitBurst',
  'vxlanPort',
  'vxlanEnabled',
  'vxlanVNI',
  'vxlanMTU',
  'vxlanMTUV6',
  'ipipEnabled',
  'ipipMTU',
  'programClusterRoutes',
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
  'disableConntrackInvalidCheck',
  'workloadSourceSpoofing',
  'mtuIfacePattern',
  'nftablesRefreshInterval',
  'routeRefreshInterval',
  'reportingInterval',
  'reportingTTL',
  'endpointReportingEnabled',
  'endpointReportingDelay',
  'openstackRegion',
  'failsafeInboundHostPorts',
  'failsafeOutboundHostPorts',
  'routeTableRange',
  'routeTableRanges',
  'wireguardEnabled',
  'wireguardEnabledV6',
  'wireguardHostEncryptionEnabled',
  'wireguardInterfaceName',
  'wireguardInterfaceNameV6',
  'wireguardKeepAlive',
  'wireguardListeningPort',
  'wireguardListeningPortV6',
  'wireguardMTU',
  'wireguardMTUV6',
  'wireguardRoutingRulePriority',
  'wireguardThreadingEnabled',
] as const satisfies readonly FelixField[];

/** Settings, and the values of them that say what this agent does anyway. */
const AS_IT_IS: Readonly<Record<string, readonly (string | boolean)[]>> = {
  useInternalDataplaneDriver: [true],
  usageReportingEnabled: [false],
  xdpEnabled: [false],
  nftablesMode: ['Enabled'],
  iptablesBackend: ['NFT'],
  removeExternalRoutes: [false],
};

/** By the first pattern that a name matches. */
const REASONS: readonly (readonly [RegExp, string])[] = [
  [/^bpf|^sidecarAcceleration|^(generic)?xdp|^cgroupV2Path/i, 'no programs of eBPF or XDP are used'],
  [/^iptables/, 'rules are nftables, and no program of iptables is run'],
  [
    /^ipsetsRefreshInterval|^interfaceRefreshInterval/,
    'the kernel tells of each change: nftablesRefreshInterval and routeRefreshInterval are for the rest',
  ],
  [/^maxIpsetSize/, 'sets are as large as what is in them'],
  [/^routeSource/, 'blocks say where addresses are'],
  [/^(prometheus|health)/, 'the agent serves neither metrics nor health'],
  [/^interfaceExclude/, 'a host endpoint says which interfaces it is about'],
  [/^usageReporting/, 'nothing is ever reported to anybody'],
  [/^debug/, 'the agent has nothing of the kind to debug'],
  [/^go[A-Z]/, 'the agent is not written in Go'],
  [/^flowLogs/, 'flows are not logged'],
  [/^istio/, 'there is no Istio without Kubernetes'],
  [/^(kubeNodePortRanges|serviceLoopPrevention)/, 'there are no services'],
  [/^metadata/, 'OpenStack is not supported'],
  [/^windows/, 'the agent is for Linux'],
  [/^awsSrcDstCheck/, 'the agent asks no provider of clouds for anything'],
  [/^log(FilePath|Severity|Debug)/, 'the log is on standard error alone, for systemd or who started the agent to keep'],
  [/^feature/, 'the agent asks the kernel itself what it can'],
  [/^(useInternalDataplaneDriver|dataplaneDriver)/, 'the agent programs the kernel itself'],
  [/^dataplaneWatchdogTimeout/, 'the agent watches its own threads'],
  [/^netlinkTimeout/, 'the kernel answers within the call'],
  [/^ipv6Support/, 'what IPv6 there is is always policed'],
  [/^interfacePrefix/, 'the links of workloads are called cali…'],
  [/^chainInsertMode/, 'chains are in a table of their own, and nobody else has rules there'],
  [/^nftables(Filter|Mangle)AllowAction/, 'what other tables say counts after accept as after return'],
  [/MarkMask$/, 'rules of workloads use no marks'],
  [/^nftablesFlowTable/, 'packets of allowed connections take the same way as all others'],
  [/^nftablesMode/, 'rules are nftables always'],
  [/^routeSyncDisabled/, 'routes to workloads are in the main table, which the agent must have'],
  [
    /^deviceRoute/,
    'routes to workloads have no source address, and the protocol that the kernel gives to those of the boot',
  ],
  [/^removeExternalRoutes/, 'a route through a link that somebody else has made stays'],
  [/RoutePriority$|^liveMigration/, 'routes to workloads have the priority that the kernel gives them'],
  [/^localSubnetL2Reachability/, 'the host answers on its own links for nobody else'],
  [/^requireMTUFile/, 'the MTU is known before the first workload comes; `require_mtu_file` of a network acts'],
  [/^endpointStatusPathPrefix/, 'ADD itself waits for the policy'],
  [/^policySyncPathPrefix/, 'policy is handed to no other programs'],
];

function reasonFor(name: string): string {
  return REASONS.find(([pattern]) => pattern.test(name))?.[1] ?? 'the agent has no such setting';
}

function markOf(name: string): IdleMark {
  const holds = AS_IT_IS[name];
  return { path: `spec.${name}`, why: reasonFor(name), ...(holds === undefined ? {} : { holds }) };
}

export const FELIX_MARKS: readonly IdleMark[] = namesOf(felixConfigurationSpec.fields)
  .filter((name) => !(ACTING_FELIX_FIELDS as readonly string[]).includes(name))
  .map(markOf);
