// Fields of FelixConfiguration, in stored order, last part: flow logs, routes, WireGuard and the rest.

import { choice, integer, looseChoice } from '../../schema/scalars.ts';
import { type Between, between, created, list, object, optional, required, sparse } from '../../schema/schema.ts';
import { interfaceName } from '../meta/names.ts';
import { dscp, port } from '../meta/values.ts';
import { countOrNone, enabled, flag, mtu, notNone, oneLine, regex, span } from './felix-values.ts';

/** Priorities of routes: the kernel's 32 bits without the ends (Calico v3.33, felix/config/config_params.go). */
const priority = integer(1, 2147483646);
const MAX_TABLE = 0xffffffff;

const inOrder: Between<{ readonly min: number; readonly max: number }> = between(['min', 'max'], (value, report) => {
  if (value.min > value.max) report('min', `at most max, ${value.max}`);
});

const oldTableRange = object(
  {
    min: required(integer(1, 250), 'The first table.'),
    max: required(integer(1, 250), 'The last table.'),
  },
  inOrder,
);
const tableRange = object(
  {
    min: required(integer(1, MAX_TABLE), 'The first table.'),
    max: required(integer(1, MAX_TABLE), 'The last table.'),
  },
  inOrder,
);

export const overlayFields = {
  istioAmbientMode: sparse(enabled, 'Whether Istio ambient mode is supported.', 'Disabled'),
  istioDSCPMark: optional(dscp, 'The DSCP that marks its packets.', '23'),
  cgroupV2Path: sparse(oneLine, 'Where the control groups are mounted.'),
  flowLogsPolicyEvaluationMode: sparse(
    choice('None', 'Continuous'),
    'Whether flows are judged again when policy changes.',
    'Continuous',
  ),
  bpfRedirectToPeer: sparse(enabled, 'eBPF: whether packets jump into workloads.', 'Enabled'),
  bpfAttachType: sparse(choice('TC', 'TCX', 'Netkit'), 'eBPF: how programs are attached.', 'Netkit'),
  flowLogsFlushInterval: span('How often flows are reported.', '300s'),
  flowLogsCollectorDebugTrace: flag('Whether the collector of flows logs all it does.', 'false'),
  flowLogsGoldmaneServer: optional(oneLine, 'Where flows are reported to.'),
  flowLogsLocalReporter: sparse(choice('Disabled', 'Enabled'), 'Whether flows are reported on the node.', 'Disabled'),
  bpfProfiling: sparse(enabled, 'eBPF: whether programs are timed.', 'Disabled'),
  routeSource: sparse(looseChoice('WorkloadIPs', 'CalicoIPAM'), 'What routes are made from.', 'CalicoIPAM'),
  routeTableRange: optional(oldTableRange, 'Deprecated: routeTableRanges.'),
  routeTableRanges: optional(list(tableRange), 'Routing tables that the agent may use.'),
  routeSyncDisabled: flag('Whether the agent leaves routes alone.', 'false'),
  ipv4NormalRoutePriority: optional(priority, 'The priority of IPv4 routes.', '1024'),
  ipv4ElevatedRoutePriority: optional(priority, 'The priority of IPv4 routes that must win.', '512'),
  ipv6NormalRoutePriority: optional(priority, 'The priority of IPv6 routes.', '1024'),
  ipv6ElevatedRoutePriority: optional(priority, 'The priority of IPv6 routes that must win.', '512'),
  liveMigrationRouteConvergenceTime: span('How long routes of a moved machine need.', '30s'),
  wireguardEnabled: flag('Whether IPv4 between nodes is encrypted.', 'false'),
  wireguardEnabledV6: flag('Whether IPv6 between nodes is encrypted.', 'false'),
  wireguardThreadingEnabled: flag('Whether WireGuard uses kernel threads.', 'false'),
  wireguardListeningPort: optional(port, 'The UDP port of WireGuard.', '51820'),
  wireguardListeningPortV6: optional(port, 'The UDP port of WireGuard for IPv6.', '51821'),
  wireguardRoutingRulePriority: optional(integer(1, 32765), 'The priority of its routing rule.', '99'),
  wireguardInterfaceName: sparse(notNone(interfaceName), 'The name of its device.', 'wireguard.cali'),
  wireguardInterfaceNameV6: sparse(notNone(interfaceName), 'The name of its device for IPv6.', 'wg-v6.cali'),
  wireguardMTU: optional(mtu, 'Its MTU; 0 works it out.', '0'),
  wireguardMTUV6: optional(mtu, 'Its MTU for IPv6; 0 works it out.', '0'),
  wireguardHostEncryptionEnabled: flag('Whether packets of hosts are encrypted too.', 'false'),
  wireguardKeepAlive: span('How often silence is broken; 0 never.', '0s'),
  awsSrcDstCheck: sparse(
    choice('DoNothing', 'Enable', 'Disable'),
    'What is done to the source check of AWS.',
    'DoNothing',
  ),
  serviceLoopPrevention: sparse(
    looseChoice('Drop', 'Reject', 'Disabled'),
    'What happens to packets to services that are none.',
    'Drop',
  ),
  workloadSourceSpoofing: sparse(
    looseChoice('Disabled', 'Any'),
    'Whether workloads may ask for other source addresses.',
    'Disabled',
  ),
  mtuIfacePattern: sparse(
    regex,
    "Interfaces whose MTU is the host's.",
    '^((en|wl|ww|sl|ib)[Pcopsvx].*|(eth|wlan|wwan).*)',
  ),
  floatingIPs: created(enabled, 'Disabled', 'Whether endpoints may have translated addresses.'),
  localSubnetL2Reachability: sparse(
    choice('Disabled', 'PodsAndLoadBalancers'),
    'Which addresses the host answers for on its links.',
    'Disabled',
  ),
  localSubnetL2ReachabilityRefreshInterval: span('How often it announces them again.', '120s'),
  windowsManageFirewallRules: sparse(enabled, 'Windows: whether own ports are opened.', 'Disabled'),
  goGCThreshold: optional(countOrNone, "Calico's agent: when memory is collected, in percent.", '40'),
  goMemoryLimitMB: optional(countOrNone, "Calico's agent: memory limit in MB; -1 for none.", '-1'),
  goMaxProcs: optional(countOrNone, "Calico's agent: how many processors it uses; -1 for all.", '-1'),
  requireMTUFile: flag('Whether the agent waits for the file with the MTU.', 'false'),
  bpfMaglevMaxEndpointsPerService: optional(integer(1, 3000), 'eBPF: endpoints of a Maglev service.', '100'),
  bpfMaglevMaxServices: optional(integer(1, 3000), 'eBPF: Maglev services.', '100'),
};
