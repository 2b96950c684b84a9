// Fields of FelixConfiguration, in stored order, second part: metrics, failsafe ports, NAT, routes, debugging, nftables.

import { duration } from './duration.ts';
import { enabled, failsafePorts, flag, hostName, mark, regex, span, tcpPort, words } from './felix-values.ts';
import { choice, integer, looseChoice, text } from './scalars.ts';
import { created, list, object, optional, required, sparse } from './schema.ts';
import { cidrOrIp, ipv4, ipv6, portRange } from './values.ts';

export const networkFields = {
  healthTimeoutOverrides: sparse(
    list(
      object({
        name: required(text(), 'The part of the agent.'),
        timeout: required(duration, 'How long it may be silent.'),
      }),
    ),
    'How long parts of the agent may be silent.',
  ),
  prometheusMetricsEnabled: flag('Whether the agent serves metrics.', 'false'),
  prometheusMetricsHost: sparse(hostName, 'Where it serves them.', 'all addresses'),
  prometheusMetricsPort: optional(tcpPort, 'On which port.', '9091'),
  prometheusGoMetricsEnabled: flag('Whether metrics of the runtime are among them.', 'true'),
  prometheusProcessMetricsEnabled: flag('Whether metrics of the process are among them.', 'true'),
  prometheusWireGuardMetricsEnabled: flag('Whether metrics of WireGuard are among them.', 'true'),
  prometheusMetricsCAFile: optional(text(), 'File with the CA of those who may read them.'),
  prometheusMetricsCertFile: optional(text(), 'File with the certificate that they are served with.'),
  prometheusMetricsKeyFile: optional(text(), 'File with its key.'),
  prometheusMetricsClientAuth: optional(
    choice('RequireAndVerifyClientCert', 'RequireAnyClientCert', 'VerifyClientCertIfGiven', 'NoClientCert'),
    'What is asked of readers.',
    'NoClientCert',
  ),
  failsafeInboundHostPorts: optional(
    failsafePorts,
    'Ports of the host that stay open; `[]` for none.',
    'tcp:22, udp:68, tcp:179, tcp:2379, tcp:2380, tcp:5473, tcp:6443, tcp:6666, tcp:6667',
  ),
  failsafeOutboundHostPorts: optional(
    failsafePorts,
    'Ports of others that the host can always reach; `[]` for none.',
    'udp:53, udp:67, tcp:179, tcp:2379, tcp:2380, tcp:5473, tcp:6443, tcp:6666, tcp:6667',
  ),
  kubeNodePortRanges: optional(list(portRange, { maxItems: 7 }), 'Ports of Kubernetes node ports.', '30000:32767'),
  policySyncPathPrefix: words('Where policy is handed to other programs.'),
  usageReportingEnabled: flag('Whether usage is reported to the makers of Calico.', 'true'),
  usageReportingInitialDelay: span('When it is first reported.', '300s'),
  usageReportingInterval: span('How often it is reported.', '86400s'),
  natPortRange: optional(portRange, 'Ports that outgoing NAT uses.'),
  natOutgoingAddress: sparse(ipv4, 'The address that outgoing NAT uses.', 'that of the outgoing interface'),
  natOutgoingExclusions: optional(
    choice('IPPoolsOnly', 'IPPoolsAndHostIPs'),
    'Which destinations outgoing NAT leaves alone.',
    'IPPoolsOnly',
  ),
  deviceRouteSourceAddress: sparse(ipv4, 'The source address of routes to workloads.'),
  deviceRouteSourceAddressIPv6: sparse(ipv6, 'The source address of IPv6 routes to workloads.'),
  deviceRouteProtocol: optional(integer(0, 255), 'The protocol number of routes to workloads.', '3'),
  removeExternalRoutes: flag('Whether routes to workloads that others added are removed.', 'true'),
  programClusterRoutes: optional(
    choice('Enabled', 'Disabled', 'EnabledIPIPOnly', 'EnabledNoEncapOnly'),
    'Which routes to other nodes the agent programs itself.',
    'EnabledIPIPOnly',
  ),
  ipForwarding: sparse(enabled, 'Whether forwarding is switched on in the kernel.', 'Enabled'),
  externalNodesList: optional(list(cidrOrIp), 'Other hosts whose tunnel packets are taken.'),
  debugMemoryProfilePath: words('Where memory profiles go.'),
  debugDisableLogDropping: flag('Whether no log line is ever dropped.', 'false'),
  debugSimulateCalcGraphHangAfter: span('Fails on purpose: the calculation.'),
  debugSimulateDataplaneHangAfter: span('Fails on purpose: the kernel side.'),
  debugSimulateDataplaneApplyDelay: span('Delays on purpose: the kernel side.'),
  debugHost: optional(text(), 'Where profiles are served.', 'localhost'),
  debugPort: optional(tcpPort, 'On which port.'),
  iptablesNATOutgoingInterfaceFilter: words('The interfaces that outgoing NAT is for.'),
  sidecarAccelerationEnabled: flag('Whether sidecars are bypassed in the kernel.', 'false'),
  xdpEnabled: flag('Whether untracked denials use XDP.', 'true'),
  genericXDPEnabled: flag('Whether XDP is used without support of the driver.', 'false'),
  nftablesMode: created(
    choice('Disabled', 'Enabled', 'Auto'),
    'Auto',
    'Whether Calico uses nftables. Ocicat always does.',
  ),
  nftablesFlowTableOffload: created(
    choice('All', 'Disabled'),
    'Disabled',
    'Whether allowed connections take the fast path.',
  ),
  nftablesFlowTableDataIfacePattern: optional(regex, 'Interfaces of the fast path.'),
  nftablesRefreshInterval: span('How often nftables rules are compared with the kernel; 0 never.', '180s'),
  nftablesFilterAllowAction: optional(looseChoice('Accept', 'Return'), 'How nftables allows.', 'Accept'),
  nftablesMangleAllowAction: optional(looseChoice('Accept', 'Return'), 'How nftables allows before routing.', 'Accept'),
  nftablesFilterDenyAction: optional(looseChoice('Drop', 'Reject'), 'How nftables denies.', 'Drop'),
  nftablesMarkMask: optional(mark, 'Bits of packet marks that nftables rules use.', '0xffff0000'),
};
