// The network configuration on a plugin's standard input, from JSON to values or to every reason to refuse it (Calico
// v3.33, cni-plugin/pkg/types/types.go; CNI spec 1.1.0, "Plugin configuration objects").
import { formatIssue, type Issue } from '../../base/errors.ts';
import { isJsonObject, type Json, type JsonObject, parseJson } from '../../base/json.ts';
import { storableContainerId } from '../../model/endpoint/container-id.ts';
import type { Attachment } from '../../model/endpoint/workload-endpoint-name.ts';
import { isDnsSubdomain } from '../../model/meta/names.ts';
import { tryParseIp } from '../../net/ip.ts';
import { createReader, type Reader } from './config-reader.ts';
import { CNI_CODE, type CniError } from './error.ts';
import { readRoutes, tryParseResult } from './parse-result.ts';
import type { CniResult, ResultRoute } from './result.ts';
import { type CniVersion, DEFAULT_VERSION, SUPPORTED_VERSIONS, tryParseVersion } from './version.ts';
import { type CniArgs, NO_WORKLOAD_ARGS, readWorkloadArgs, type WorkloadArgs } from './workload-args.ts';

/** The name of our own IPAM plugin. */
export const OWN_IPAM = 'calico-ipam';

interface IpamConfig {
  /** `calico-ipam`, or the name of a plugin on CNI_PATH. */
  readonly type: string;
  readonly ipv4: boolean;
  readonly ipv6: boolean;
  /** Ranges or names of pools. */
  readonly ipv4Pools: readonly string[];
  readonly ipv6Pools: readonly string[];
  /** What the container reaches by this network's interface, whichever of its interfaces has the preference. */
  readonly routes: readonly ResultRoute[];
}

/** A network gives the container the interface that is asked for, or its profile to the interface that is there. */
export type Attach = 'interface' | 'profile';

export interface NetworkConfig {
  readonly version: CniVersion;
  /** The main plugin's name, empty when the file does not say it. */
  readonly type: string;
  readonly name: string;
  readonly ipam: IpamConfig;
  /** undefined: what the agent finds. */
  readonly mtuBytes: number | undefined;
  readonly requireMtu: boolean;
  readonly queues: number;
  /** The node that the configuration is written for, if it says so. */
  readonly nodeName: string | undefined;
  /** False when somebody else makes the profile. */
  readonly createsProfile: boolean;
  readonly allowForwarding: boolean;
  /** What being in a network of several means; undefined: what the caller is used to. */
  readonly attach: Attach | undefined;
  readonly readinessGates: readonly string[];
  readonly workloadArgs: WorkloadArgs;
  readonly previous: CniResult | undefined;
  /** Name servers and the like for the result; empty when the file has none (CNI spec 1.1.0, "dns"). */
  readonly dns: CniResult['dns'];
  /** What the runtime still has, as GC hands it over; undefined: absent. */
  readonly validAttachments: readonly Attachment[] | undefined;
}

/** Which plugin reads the configuration: their rules differ a little. */
export type PluginName = 'calico' | 'calico-ipam';

export type ConfigResult =
  | { readonly kind: 'config'; readonly config: NetworkConfig }
  | { readonly kind: 'refused'; readonly error: CniError };

/** Calico's rule; CNI's own wants a letter or digit first as well. */
const NETWORK_NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/;

/**
 * The network's name becomes a profile and a label of that name, whose rules are stricter than CNI's: saying so here is
 * kinder than failing after half of the work (Calico does the latter).
 */
function readName(reader: Reader, plugin: PluginName): string {
  const name = reader.text('name') ?? '';
  if (!NETWORK_NAME.test(name))
    reader.refuse('name', `"${name}"`, 'a letter or digit, then letters, digits, "_", "." and "-"');
  else if (plugin === 'calico' && (!isDnsSubdomain(name) || name.length > 63))
    reader.refuse(
      'name',
      `"${name}"`,
      'a name that can be a profile and a label: at most 63 lower-case letters, digits, "-" and ".", a letter or digit at both ends',
    );
  return name;
}

/** Only the texts "false" and "true" change the default (Calico v3.33, cni-plugin/pkg/ipamplugin/ipam_plugin.go). */
function readFamilies(reader: Reader): Pick<IpamConfig, 'ipv4' | 'ipv6'> {
  const [ipv4, ipv6] = [reader.text('assign_ipv4') !== 'false', reader.text('assign_ipv6') === 'true'];
  if (!ipv4 && !ipv6) reader.refuse('assign_ipv4', '"false"', 'at least one of assign_ipv4 and assign_ipv6');
  return { ipv4, ipv6 };
}

/** Of `subnet` and everything else, the plugin that `type` names reads what it wants. */
function readIpam(reader: Reader): IpamConfig {
  const type = reader.text('type') ?? '';
  if (!/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/.test(type))
    reader.refuse('type', `"${type}"`, `"${OWN_IPAM}" or another plugin's name`);
  const listed = reader.list('routes');
  const routes = readRoutes(listed);
  if (routes.length < listed.length)
    reader.refuse('routes', 'an entry that is no route', 'entries such as { "dst": "10.0.0.0/8" }');
  if (type !== OWN_IPAM) return { type, ipv4: false, ipv6: false, ipv4Pools: [], ipv6Pools: [], routes };
  return {
    type,
    ...readFamilies(reader),
    ipv4Pools: reader.texts('ipv4_pools'),
    ipv6Pools: reader.texts('ipv6_pools'),
    routes,
  };
}

/** What a container asks for goes before what the file says for all. */
function choosePools(ipam: IpamConfig, { pools }: WorkloadArgs): IpamConfig {
  const [ipv4Pools, ipv6Pools] = [pools.ipv4, pools.ipv6];
  return {
    ...ipam,
    ...(ipv4Pools.length > 0 ? { ipv4Pools } : {}),
    ...(ipv6Pools.length > 0 ? { ipv6Pools } : {}),
  };
}

function readMtu(reader: Reader): number | undefined {
  const mtuBytes = reader.integer('mtu') ?? 0;
  if (mtuBytes !== 0 && (mtuBytes < 68 || mtuBytes > 65_535))
    reader.refuse('mtu', `${mtuBytes}`, '68 to 65535, or 0 for the default');
  return mtuBytes === 0 ? undefined : mtuBytes;
}

function readAttach(reader: Reader): Attach | undefined {
  const attach = reader.text('attach') ?? '';
  if (attach === 'interface' || attach === 'profile') return attach;
  if (attach !== '') reader.refuse('attach', `"${attach}"`, '"interface" or "profile"');
  return undefined;
}

function readGates(reader: Reader): readonly string[] {
  const gates = reader.texts('readiness_gates');
  for (const gate of gates) if (!URL.canParse(gate)) reader.refuse('readiness_gates', `"${gate}"`, 'URLs');
  return gates;
}

/** Settings that would make the network another one than this program can make. */
function refuseForeign(reader: Reader): void {
  const device = reader.text('device_type') ?? '';
  if (device !== '' && device !== 'veth') reader.refuse('device_type', `"${device}"`, '"veth"');
  const store = reader.text('datastore_type') ?? '';
  if (store !== '' && store !== 'etcdv3') reader.refuse('datastore_type', `"${store}"`, '"etcdv3"');
  const dataplane = reader.within('dataplane_options').text('type') ?? '';
  if (dataplane !== '') reader.refuse('dataplane_options.type', `"${dataplane}"`, 'nothing');
  if (reader.within('feature_control').flag('ip_addrs_no_ipam'))
    reader.refuse(
      'feature_control.ip_addrs_no_ipam',
      'true',
      'false: requested feature is not supported for this runtime: ip_addrs_no_ipam',
    );
}

function readAttachments(reader: Reader, fields: JsonObject): readonly Attachment[] | undefined {
  const NAME = 'cni.dev/valid-attachments';
  if (fields[NAME] === undefined) return undefined; // null is how Go prints an empty list
  return reader.list(NAME).flatMap((value) => {
    const { containerID, ifname } = isJsonObject(value) ? value : {};
    if (typeof containerID === 'string' && typeof ifname === 'string')
      return [{ containerId: storableContainerId(containerID), interfaceName: ifname }];
    reader.refuse(NAME, 'an attachment without containerID or ifname', 'both in each');
    return [];
  });
}

function readDns(reader: Reader): CniResult['dns'] {
  const lists = (['nameservers', 'search', 'options'] as const).map((name) => [name, reader.texts(name)] as const);
  const [, nameservers] = lists[0] ?? [];
  for (const server of nameservers ?? [])
    if (tryParseIp(server) === undefined) reader.refuse('nameservers', `"${server}"`, 'addresses');
  const domain = reader.text('domain') ?? '';
  return {
    ...Object.fromEntries(lists.filter(([, texts]) => texts.length > 0)),
    ...(domain === '' ? {} : { domain }),
  };
}

function readPrevious(reader: Reader, fields: JsonObject): CniResult | undefined {
  if (!reader.has('prevResult')) return undefined;
  const previous = tryParseResult(fields.prevResult);
  if (previous === undefined) reader.refuse('prevResult', 'something else', 'the result of ADD');
  return previous;
}

/**
 * Keys that are let through unread: `log_*` (the agent's log has all), `etcd_*` (the agent holds the connection),
 * `nodename_file*` (the agent wrote it), `ipam_lock_file` (there is no lock), `policy_setup_timeout_seconds` and
 * `endpoint_status_dir` (ADD always waits), `kubernetes`, `policy.k8s_*`, `include_default_routes`,
 * `feature_control.floating_ips`, `qps`, `burst`, `calico_api_group` (Kubernetes only), `mode`, `vxlan_*`, `windows_*`
 * (Windows only), and by CNI's rules whatever a plugin does not know.
 */
function readConfig(
  fields: JsonObject,
  version: CniVersion,
  plugin: PluginName,
  args: CniArgs | undefined,
): { config: NetworkConfig; issues: readonly Issue[] } {
  const reader = createReader(fields);
  if (plugin === 'calico') refuseForeign(reader);
  const workloadArgs = args === undefined ? NO_WORKLOAD_ARGS : readWorkloadArgs(reader, args);
  const queues = reader.integer('num_queues') ?? 1;
  if (queues > 4096) reader.refuse('num_queues', `${queues}`, 'at most 4096');
  const config: NetworkConfig = {
    version,
    type: reader.text('type') ?? '',
    name: readName(reader, plugin),
    ipam: choosePools(readIpam(reader.within('ipam')), workloadArgs),
    mtuBytes: readMtu(reader),
    requireMtu: reader.flag('require_mtu_file'),
    queues: Math.max(1, queues),
    nodeName: reader.text('nodename') || undefined,
    createsProfile: (reader.within('policy').text('type') ?? '') === '',
    allowForwarding: reader.within('container_settings').flag('allow_ip_forwarding'),
    attach: readAttach(reader),
    readinessGates: readGates(reader),
    workloadArgs,
    previous: readPrevious(reader, fields),
    dns: readDns(reader.within('dns')),
    validAttachments: readAttachments(reader, fields),
  };
  return { config, issues: reader.issues };
}

function refuse(code: number, msg: string, details?: string, cniVersion?: string): ConfigResult {
  return { kind: 'refused', error: { cniVersion, code, msg, details } };
}

/**
 * Refuses with code 6 (not JSON), 1 (another version), or every issue with code 4 (of CNI_ARGS alone) or 7. `args` is what
 * CNI_ARGS says, undefined for commands that nobody can ask something of.
 */
export function parseConfig(text: string, plugin: PluginName, args: CniArgs | undefined): ConfigResult {
  let value: Json;
  try {
    value = parseJson(text);
  } catch (error) {
    return refuse(
      CNI_CODE.undecodable,
      `error unmarshall network config: ${error instanceof Error ? error.message : 'not JSON'}`,
    );
  }
  if (!isJsonObject(value)) return refuse(CNI_CODE.undecodable, 'error unmarshall network config: not an object');
  const wanted = value.cniVersion ?? DEFAULT_VERSION;
  const version = typeof wanted === 'string' ? tryParseVersion(wanted === '' ? DEFAULT_VERSION : wanted) : undefined;
  if (version === undefined) {
    const supported = SUPPORTED_VERSIONS.map((one) => `"${one}"`).join(' ');
    return refuse(
      CNI_CODE.incompatibleVersion,
      'incompatible CNI versions',
      `config is ${JSON.stringify(wanted)}, plugin supports [${supported}]`,
    );
  }
  const { config, issues } = readConfig(value, version, plugin, args);
  if (issues.length === 0) return { kind: 'config', config };
  const details = issues.map(formatIssue).join('; ');
  return issues.every(({ path }) => path.startsWith('CNI_ARGS'))
    ? refuse(CNI_CODE.invalidEnvironment, 'invalid environment', details, version)
    : refuse(CNI_CODE.invalidConfig, 'invalid network configuration', details, version);
}
