// Fields of FelixConfiguration, in stored order, third part: the eBPF dataplane. Ocicat has none and stores them for
// Calico agents that read the same store.
import { tryParseDurationNs } from './duration.ts';
import { count, enabled, flag, mark, regex, span, tcpPort, words } from './felix-values.ts';
import { choice, integer, looseChoice, parsedText, text } from './scalars.ts';
import { created, createdFrom, list, map, object, optional, sparse } from './schema.ts';
import { cidrOrIp, portRange } from './values.ts';

const timer = parsedText('a duration such as 60s, or Auto', (value) =>
  value === 'Auto' || (tryParseDurationNs(value) ?? -1n) >= 0n ? value : undefined,
);

const conntrackTimeouts = object({
  creationGracePeriod: optional(timer, 'How long a new entry lives at least.', '10s'),
  tcpSynSent: optional(timer, 'How long a half-open connection lives.', '20s'),
  tcpEstablished: optional(timer, 'How long an idle connection lives.', '1h'),
  tcpFinsSeen: optional(timer, 'How long a closed connection lives.', 'Auto'),
  tcpResetSeen: optional(timer, 'How long a reset connection lives.', '40s'),
  udpTimeout: optional(timer, 'How long a UDP flow lives.', '60s'),
  genericTimeout: optional(timer, 'How long other flows live.', '10m'),
  icmpTimeout: optional(timer, 'How long an ICMP flow lives.', '5s'),
});

/** The deprecated switch decides where it is given. */
function loadBalancing(before: Readonly<Record<string, unknown>>): 'TCP' | 'Enabled' | 'Disabled' {
  const { bpfConnectTimeLoadBalancingEnabled: given } = before;
  if (given === undefined) return 'TCP';
  return given === true ? 'Enabled' : 'Disabled';
}

export const bpfFields = {
  bpfEnabled: flag('Whether Calico uses eBPF.', 'false'),
  bpfOverlayHostSourceIP: optional(
    choice('TunnelAddress', 'HostAddress'),
    'The source address of the host in tunnels.',
    'TunnelAddress',
  ),
  bpfDisableUnprivileged: flag('Whether others may not load eBPF programs.', 'true'),
  bpfJITHardening: optional(choice('Auto', 'Strict'), 'How the compiler of the kernel is hardened.', 'Auto'),
  bpfLogLevel: created(looseChoice('', 'Off', 'Info', 'Debug'), '', 'What eBPF programs log.'),
  bpfConntrackLogLevel: sparse(choice('Off', 'Debug'), 'What the cleaner of connections logs.', 'Off'),
  bpfConntrackMode: optional(choice('Auto', 'Userspace', 'BPFProgram'), 'Who cleans connections.', 'Auto'),
  bpfConntrackTimeouts: optional(conntrackTimeouts, 'How long connections live.'),
  bpfIPFragTimeout: span('How long fragments are kept.'),
  bpfLogFilters: optional(map(text(), text()), 'Which packets are logged, by interface.'),
  bpfCTLBLogFilter: words('What the load balancer logs.'),
  bpfDataIfacePattern: sparse(regex, 'Interfaces that programs are attached to.'),
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
  bpfMapSizeConntrackCleanupQueue: optional(
    integer(1, Number.MAX_SAFE_INTEGER),
    'Size of a map: connections to clean.',
    '100000',
  ),
  bpfMapSizeIPSets: optional(count, 'Size of a map: members of IP sets.', '1048576'),
  bpfMapSizeIfState: optional(count, 'Size of a map: interfaces.', '1000'),
  bpfHostConntrackBypass: flag('Whether the tracking of the kernel is bypassed.', 'false'),
  bpfIPFragmentReassemblyEnabled: flag('Whether fragments are put together.', 'true'),
  bpfEnforceRPF: sparse(looseChoice('Disabled', 'Strict', 'Loose'), 'How source addresses are checked.', 'Loose'),
  bpfPolicyDebugEnabled: flag('Whether programs can be read back.', 'true'),
  bpfForceTrackPacketsFromIfaces: optional(
    list(text()),
    'Interfaces whose packets are tracked by the kernel.',
    'docker+',
  ),
  bpfDisableGROForIfaces: sparse(regex, 'Interfaces without receive offload.'),
  bpfExcludeCIDRsFromNAT: optional(list(cidrOrIp), 'Ranges that are not translated.'),
  bpfExportBufferSizeMB: optional(count, 'Size of the event buffer in MB.', '1'),
};
