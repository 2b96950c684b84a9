// Fields of FelixConfiguration, in stored order, third part: the eBPF dataplane. Ocicat has none and stores them for
// Calico agents that read the same store.

import { tryParseDurationNs } from '../../base/duration.ts';
import { choice, integer, looseChoice, parsedText, text } from '../../schema/scalars.ts';
import { createdFrom, list, map, object, optional, type Scalar, sparse } from '../../schema/schema.ts';
import { interfaceName } from '../meta/names.ts';
import { cidrOrIp, portRange } from '../meta/values.ts';
import { count, enabled, flag, interfaceFilter, mark, regex, span, tcpPort } from './felix-values.ts';

/** Kept as written; every number has its unit. */
const timer = parsedText('a duration in h, m, s, ms or us such as 1m30s, or Auto', (value) =>
  value === 'Auto' || (/^([\d.]+(h|m|s|ms|us))+$/.test(value) && tryParseDurationNs(value) !== undefined)
    ? value
    : undefined,
);

const all: Scalar<string> = { ...looseChoice('all'), wanted: 'the word all' };
const logLevel = looseChoice('Off', 'Info', 'Debug');
/** Stored as an empty text where it is not set. */
const storedLogLevel: typeof logLevel = { ...logLevel, read: (value) => (value === '' ? '' : logLevel.read(value)) };

const conntrackTimeouts = object({
  creationGracePeriod: sparse(timer, 'How long a new entry lives at least.', '10s'),
  tcpSynSent: sparse(timer, 'How long a half-open connection lives.', '20s'),
  tcpEstablished: sparse(timer, 'How long an idle connection lives.', '1h'),
  tcpFinsSeen: sparse(timer, 'How long a closed connection lives.', 'Auto'),
  tcpResetSeen: sparse(timer, 'How long a reset connection lives.', '40s'),
  udpTimeout: sparse(timer, 'How long a UDP flow lives.', '60s'),
  genericTimeout: sparse(timer, 'How long other flows live.', '10m'),
  icmpTimeout: sparse(timer, 'How long an ICMP flow lives.', '5s'),
});

/** The deprecated switch decides where it is set. */
function loadBalancing(before: Readonly<Record<string, unknown>>): 'TCP' | 'Enabled' | 'Disabled' {
  const { bpfConnectTimeLoadBalancingEnabled: enabled } = before;
  if (enabled === undefined) return 'TCP';
  return enabled === true ? 'Enabled' : 'Disabled';
}

export const bpfFields = {
  bpfEnabled: flag('Whether Calico uses eBPF.', 'false'),
  bpfOverlayHostSourceIP: sparse(
    choice('TunnelAddress', 'HostAddress'),
    'The source address of the host in tunnels.',
    'TunnelAddress',
  ),
  bpfDisableUnprivileged: flag('Whether others may not load eBPF programs.', 'true'),
  bpfJITHardening: sparse(choice('Auto', 'Strict'), 'How the compiler of the kernel is hardened.', 'Auto'),
  bpfLogLevel: createdFrom(storedLogLevel, () => '', 'Off', 'What eBPF programs log.'),
  bpfConntrackLogLevel: sparse(choice('Off', 'Debug'), 'What the cleaner of connections logs.', 'Off'),
  bpfConntrackMode: sparse(choice('Auto', 'Userspace', 'BPFProgram'), 'Who cleans connections.', 'Auto'),
  bpfConntrackTimeouts: optional(conntrackTimeouts, 'How long connections live.'),
  bpfIPFragTimeout: span('How long fragments are kept.', '0s'),
  bpfLogFilters: optional(map(interfaceName, text()), 'Which packets are logged, by interface.'),
  bpfCTLBLogFilter: sparse(all, 'What the load balancer logs.'),
  bpfDataIfacePattern: sparse(
    regex,
    'Interfaces that programs are attached to.',
    '^((en|wl|ww|sl|ib)[Popsx].*|(eth|wlan|wwan|bond).*)',
  ),
  bpfL3IfacePattern: sparse(regex, 'Interfaces without link layer that programs are attached to.'),
  bpfConnectTimeLoadBalancingEnabled: flag('Deprecated: bpfConnectTimeLoadBalancing.'),
  bpfConnectTimeLoadBalancing: createdFrom(
    choice('TCP', 'Enabled', 'Disabled'),
    loadBalancing,
    '"TCP"',
    'Which connections are balanced as they start.',
  ),
  bpfHostNetworkedNATWithoutCTLB: createdFrom(
    enabled,
    (before) => (before.bpfConnectTimeLoadBalancingEnabled === undefined ? 'Enabled' : 'Disabled'),
    '"Enabled"',
    'Whether connections of the host are translated without that.',
  ),
  bpfExternalServiceMode: sparse(looseChoice('Tunnel', 'DSR'), 'How answers of services leave.', 'Tunnel'),
  bpfDSROptoutCIDRs: optional(list(cidrOrIp), 'Clients that DSR is not for.'),
  bpfExtToServiceConnmark: optional(mark, 'The mark of connections to services.', '0'),
  bpfKubeProxyIptablesCleanupEnabled: flag('Whether rules of kube-proxy are removed.', 'true'),
  bpfKubeProxyMinSyncPeriod: span('How long changes of services are collected.', '1s'),
  bpfKubeProxyHealthzPort: optional(tcpPort, 'The port of the health of services.', '10256'),
  bpfPSNATPorts: optional(portRange, 'Ports that conflicting sources are moved to.', '20000:29999'),
  bpfMapSizeNATFrontend: optional(count, 'Size of a map: services.', '65536'),
  bpfMapSizeNATBackend: optional(count, 'Size of a map: endpoints of services.', '262144'),
  bpfMapSizeNATAffinity: optional(count, 'Size of a map: affinities.', '65536'),
  bpfMapSizeRoute: optional(count, 'Size of a map: routes.', '262144'),
  bpfMapSizeConntrack: optional(count, 'Size of a map: connections.', '512000'),
  bpfMapSizePerCpuConntrack: optional(count, 'The same for each processor.', '0'),
  bpfMapSizeConntrackScaling: sparse(
    looseChoice('Disabled', 'DoubleIfFull'),
    'Whether that map grows.',
    'DoubleIfFull',
  ),
  bpfMapSizeConntrackCleanupQueue: optional(integer(1, 0xffffffff), 'Size of a map: connections to clean.', '100000'),
  bpfMapSizeIPSets: optional(count, 'Size of a map: members of IP sets.', '1048576'),
  bpfMapSizeIfState: optional(count, 'Size of a map: interfaces.', '1000'),
  bpfHostConntrackBypass: flag('Whether the tracking of the kernel is bypassed.', 'false'),
  bpfIPFragmentReassemblyEnabled: flag('Whether fragments are put together.', 'true'),
  bpfEnforceRPF: sparse(looseChoice('Disabled', 'Strict', 'Loose'), 'How source addresses are checked.', 'Loose'),
  bpfPolicyDebugEnabled: flag('Whether programs can be read back.', 'true'),
  bpfForceTrackPacketsFromIfaces: optional(
    list(interfaceFilter),
    'Interfaces whose packets are tracked by the kernel.',
    'docker+',
  ),
  bpfDisableGROForIfaces: sparse(regex, 'Interfaces without receive offload.'),
  bpfExcludeCIDRsFromNAT: optional(list(cidrOrIp), 'Ranges that are not translated.'),
  bpfExportBufferSizeMB: optional(integer(0, 4095), 'Size of the event buffer in MB.', '1'),
};
