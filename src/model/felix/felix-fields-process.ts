// Fields of FelixConfiguration, in stored order, first part: the process, refreshing, interfaces, actions and logs.

import { integer, looseChoice, parsedText, text } from '../../schema/scalars.ts';
import { optional, sparse } from '../../schema/schema.ts';
import { isDnsLabel } from '../meta/names.ts';
import { selector } from '../meta/selectors.ts';
import {
  count,
  flag,
  hostName,
  interfaceList,
  logLevel,
  markMask,
  notNone,
  regex,
  span,
  tcpPort,
  textField,
} from './felix-values.ts';

/** A DNS label that has room for a prefix of 17 characters. */
const region = parsedText(
  'lower-case letters, digits and "-" that start and end with a letter or digit, at most 46 characters',
  (value) => (value.length <= 46 && isDnsLabel(value) ? value : undefined),
);
const acceptOrReturn = looseChoice('Accept', 'Return');
const dropOrReject = looseChoice('Drop', 'Reject');

export const processFields = {
  nodeSelector: optional(selector, 'Nodes that the configuration is for; not with names `default` and `node.NAME`.'),
  useInternalDataplaneDriver: flag('Whether the agent programs the kernel itself.', 'true'),
  dataplaneDriver: sparse(notNone(text()), 'The program that does it otherwise.', 'calico-iptables-plugin'),
  dataplaneWatchdogTimeout: span('After which silence the agent counts as stuck.', '90s'),
  ipv6Support: flag('Whether IPv6 is programmed.', 'true'),
  routeRefreshInterval: span('How often routes are compared with the kernel; 0 never.', '90s'),
  interfaceRefreshInterval: span('How often interfaces are listed again; 0 never.', '90s'),
  iptablesRefreshInterval: span('How often iptables rules are compared with the kernel; 0 never.', '180s'),
  iptablesPostWriteCheckInterval: span('When written iptables rules are compared once more.', '5s'),
  iptablesLockProbeInterval: span('How often the lock of iptables is tried.', '50ms'),
  featureDetectOverride: sparse(
    text({
      wanted: 'name=true or name=false pairs with commas between, names of letters, digits, "_" and "-"',
      pattern: /^([\w-]+=(true|false|),)*([\w-]+=(true|false|))?$/,
    }),
    'Kernel features that are taken as there or not.',
  ),
  featureGates: sparse(
    text({
      wanted: 'name=value pairs with commas between, names of letters, digits, "_" and "-"',
      pattern: /^([\w-]+=([^=]+),)*([\w-]+=([^=]+))?$/,
    }),
    'Features that are switched.',
  ),
  ipsetsRefreshInterval: span('How often IP sets are compared with the kernel; 0 never.', '90s'),
  maxIpsetSize: optional(count, 'How many members an IP set of iptables holds.', '1048576'),
  iptablesBackend: sparse(looseChoice('Legacy', 'NFT', 'Auto'), 'Which iptables is used.', 'Auto'),
  xdpRefreshInterval: span('How often XDP programs are compared with the kernel; 0 never.', '90s'),
  netlinkTimeout: span('How long the kernel may take to answer.', '10s'),
  metadataAddr: sparse(
    text({
      wanted: 'a host name or an IPv4 address: letters, digits, ".", "_" and "-"; or none',
      pattern: /^[a-zA-Z0-9_.-]+$/,
    }),
    'Where the metadata server of OpenStack is; none for nowhere.',
    '127.0.0.1',
  ),
  metadataPort: optional(tcpPort, 'Its port.', '8775'),
  openstackRegion: sparse(region, 'The OpenStack region.'),
  interfacePrefix: sparse(
    notNone(
      text({
        wanted: 'prefixes of interface names with commas between, 1 to 15 letters, digits, "_" and "-" each',
        pattern: /^[a-zA-Z0-9_-]{1,15}(,[a-zA-Z0-9_-]{1,15})*$/,
      }),
    ),
    'How interfaces of workloads begin.',
    'cali',
  ),
  interfaceExclude: sparse(
    interfaceList,
    'Interfaces that are no host endpoints: names, or expressions between slashes.',
    'kube-ipvs0',
  ),
  chainInsertMode: sparse(
    looseChoice('Insert', 'Append'),
    'Whether own rules go first or last in the base chains.',
    'Insert',
  ),
  defaultEndpointToHostAction: sparse(
    looseChoice('Drop', 'Accept', 'Return'),
    'What happens to packets from workloads to the host that policy allows.',
    'Drop',
  ),
  iptablesFilterAllowAction: sparse(acceptOrReturn, 'How iptables allows.', 'Accept'),
  iptablesMangleAllowAction: sparse(acceptOrReturn, 'How iptables allows before routing.', 'Accept'),
  iptablesFilterDenyAction: sparse(dropOrReject, 'How iptables denies.', 'Drop'),
  logPrefix: sparse(
    text({ wanted: 'letters, digits, blanks, "%", ":", "/", "_" and "-"', pattern: /^[a-zA-Z0-9%: /_-]*$/ }),
    'How lines of Log rules begin.',
    'calico-packet',
  ),
  logActionRateLimit: sparse(
    text({
      wanted: 'a rate such as 10/second: 1 to 9999 per second, minute, hour or day',
      pattern: /^[1-9]\d{0,3}\/(second|minute|hour|day)$/,
    }),
    'How many lines each Log rule writes.',
    '10/second',
  ),
  logActionRateLimitBurst: optional(integer(0, 9999), 'How many lines beyond the rate.', '5'),
  logFilePath: textField('The log file; none for none.', '/var/log/calico/felix.log'),
  logSeverityFile: sparse(logLevel, 'What goes to the log file.', 'Info'),
  logSeverityScreen: sparse(logLevel, 'The least severe of what the agent logs to standard error.', 'Info'),
  logSeveritySys: sparse(logLevel, 'What goes to syslog.', 'Info'),
  logDebugFilenameRegex: sparse(regex, 'Source files whose debug lines are logged.'),
  ipipEnabled: flag('Whether there is an IP-in-IP device.', 'as the pools say'),
  ipipMTU: optional(integer(0, 65535), 'Its MTU; 0 works it out.', '0'),
  vxlanEnabled: flag('Whether there is a VXLAN device.', 'as the pools say'),
  vxlanMTU: optional(integer(0, 65535), 'Its MTU; 0 works it out.', '0'),
  vxlanMTUV6: optional(integer(0, 65535), 'The MTU of the VXLAN device for IPv6; 0 works it out.', '0'),
  vxlanPort: optional(tcpPort, 'The UDP port of VXLAN.', '4789'),
  vxlanVNI: optional(integer(0, 0xffffff), 'The network identifier of VXLAN.', '4096'),
  allowVXLANPacketsFromWorkloads: flag('Whether workloads may send VXLAN packets.', 'false'),
  allowIPIPPacketsFromWorkloads: flag('Whether workloads may send IP-in-IP packets.', 'false'),
  reportingInterval: span('How often the agent reports into the store that it lives; 0 never.', '0s'),
  reportingTTL: span('How long a report lasts.', '90s'),
  endpointReportingEnabled: flag('Whether the state of endpoints is reported into the store.', 'false'),
  endpointReportingDelay: span('How long changes are collected before a report.', '1s'),
  endpointStatusPathPrefix: textField('Where the state of endpoints is written to files.', '/var/run/calico'),
  iptablesMarkMask: optional(markMask, 'Bits of packet marks that iptables rules use.', '0xffff0000'),
  disableConntrackInvalidCheck: flag('Whether packets that connection tracking calls invalid pass.', 'false'),
  healthEnabled: flag('Whether the agent answers health questions.', 'false'),
  healthHost: sparse(hostName, 'Where it answers.', 'localhost'),
  healthPort: optional(tcpPort, 'On which port.', '9099'),
};
