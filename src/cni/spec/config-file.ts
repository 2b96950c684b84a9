// The network configuration as its file has it: the keys that are read, and what each may say (Calico v3.33,
// cni-plugin/pkg/types/types.go).
import { networkName } from '../../model/meta/names.ts';
import type { NetworkDns } from '../../names/annotations.ts';
import { tryParseCidr } from '../../net/cidr.ts';
import { tryParseIp } from '../../net/ip.ts';
import { anything, boolean, choice, integer, parsedText, text, textThat } from '../../schema/scalars.ts';
import { between, type Infer, list, object, optional, required, type Scalar, sparse } from '../../schema/schema.ts';
import { fileLabels } from './labels.ts';
import { dnsSchema, tryParseResult } from './parse-result.ts';
import type { CniResult } from './result.ts';

/** The name of our own IPAM plugin. */
export const OWN_IPAM = 'calico-ipam';

/** Which plugin reads the configuration: their rules differ a little. */
export type PluginName = 'calico' | 'calico-ipam';

/** A network gives the container the interface that is asked for, or its profile to the interface that is there. */
export type Attach = 'interface' | 'profile';

/** What the runtime still has, as GC hands it over. */
export const VALID_ATTACHMENTS = 'cni.dev/valid-attachments';

/** Calico's rule; CNI's own wants a letter or digit first as well. */
const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/;
const anyName = text({ pattern: NAME, wanted: 'a letter or digit, then letters, digits, "_", "." and "-"' });

/** Saying what a profile's name must be is kinder than failing after half of the work (Calico does the latter). */
const profileName: Scalar<string> = {
  ...networkName,
  explain: (value) => (anyName.read(value) === undefined ? anyName.wanted : networkName.wanted),
};

/** Absent means "true" and "false" (Calico v3.33, cni-plugin/pkg/ipamplugin/ipam_plugin.go, which takes any text for one of them). */
export function familiesOf(assignIpv4: string | undefined, assignIpv6: string | undefined) {
  return { ipv4: assignIpv4 !== 'false', ipv6: assignIpv6 === 'true' };
}

const route = object({ dst: parsedText('a range such as "10.0.0.0/8"', tryParseCidr), gw: optional(anything) });

const wish = sparse({ ...choice('true', 'false'), wanted: '"true" or "false"' }, '');

/** Of `subnet` and everything else, the plugin that `type` names reads what it wants. */
const ipam = object(
  {
    type: text({ pattern: NAME, wanted: `"${OWN_IPAM}" or another plugin's name` }),
    assign_ipv4: wish,
    assign_ipv6: wish,
    ipv4_pools: optional(list(text())),
    ipv6_pools: optional(list(text())),
    allow_reserved: optional(boolean),
    routes: optional(list(route)),
  },
  between(['type', 'assign_ipv4', 'assign_ipv6'], ({ type, assign_ipv4, assign_ipv6 }, report) => {
    const { ipv4, ipv6 } = familiesOf(assign_ipv4, assign_ipv6);
    if (type === OWN_IPAM && !ipv4 && !ipv6) report('assign_ipv4', 'at least one of assign_ipv4 and assign_ipv6');
  }),
);

const mtu: Scalar<number> = {
  ...integer(0, 65_535),
  wanted: '68 to 65535, or 0 for the default',
  read: (value) => (value === 0 ? 0 : integer(68, 65_535).read(value)),
};

const previous: Scalar<CniResult> = { shape: 'scalar', wanted: 'the result of ADD', json: {}, read: tryParseResult };
/** What no other plugin knows: under a key of its own. */
const networkDns: Scalar<NetworkDns> = {
  shape: 'scalar',
  wanted: 'true, false or "internal"',
  json: { enum: [true, false, 'internal'] },
  read: (value) => (value === 'internal' ? value : value === true ? 'on' : value === false ? 'off' : undefined),
};

const dns = dnsSchema(textThat('an IPv4 or IPv6 address', (server) => tryParseIp(server) !== undefined));

/**
 * Keys that are let through unread: `log_*` (the agent's log has all), `etcd_*` (the agent holds the connection),
 * `nodename_file*` (the agent wrote it), `ipam_lock_file` (there is no lock), `policy_setup_timeout_seconds` and
 * `endpoint_status_dir` (ADD always waits), `kubernetes`, `policy.k8s_*`, `include_default_routes`,
 * `feature_control.floating_ips`, `qps`, `burst`, `calico_api_group` (Kubernetes only), `mode`, `vxlan_*`, `windows_*`
 * (Windows only), and by CNI's rules whatever a plugin does not know.
 */
const fields = {
  type: optional(text()),
  ipam: required(ipam, ''),
  mtu: optional(mtu),
  require_mtu_file: optional(boolean),
  num_queues: optional({ ...integer(Number.MIN_SAFE_INTEGER, 4096), wanted: 'a whole number, at most 4096' }),
  nodename: optional(text()),
  policy: optional(object({ type: optional(text()) })),
  container_settings: optional(object({ allow_ip_forwarding: optional(boolean) })),
  attach: sparse({ ...choice('interface', 'profile'), wanted: '"interface" or "profile"' }, ''),
  readiness_gates: optional(list(textThat('a URL', URL.canParse))),
  prevResult: optional(previous),
  dns: optional(dns),
  ocicat: optional(object({ dns: optional(networkDns), labels: optional(fileLabels) })),
  [VALID_ATTACHMENTS]: optional(list(object({ containerID: text(), ifname: text() }))),
};

const networkFile = object({ name: required(profileName, ''), ...fields });
const addressesFile = object(
  { name: required(anyName, ''), ...fields },
  between(['ipam'], ({ ipam: { type } }, report) => {
    if (type !== OWN_IPAM) report('ipam.type', `"${OWN_IPAM}", which is who was called`);
  }),
);

/** As much as says what is to be let go. */
export const removalFile = object({ name: required(anyName, ''), ipam: optional(anything) });

/** Whether a plugin can have the name: it is looked for in folders. */
export function isPluginName(name: string): boolean {
  return NAME.test(name);
}

export const configFile = { calico: networkFile, 'calico-ipam': addressesFile };
export type ConfigFile = Infer<typeof addressesFile>;
export type CniDnsFile = Infer<typeof dns>;
