// The network configuration on a plugin's standard input, from JSON to values or to every reason to refuse it (Calico
// v3.33, cni-plugin/pkg/types/types.go; CNI spec 1.1.0, "Plugin configuration objects").
import { formatIssue } from '../../base/errors.ts';
import { describeJsonFault, isJsonObject, type Json, type JsonObject, parseJson } from '../../base/json.ts';
import { storableContainerId } from '../../model/endpoint/container-id.ts';
import type { Attachment } from '../../model/endpoint/workload-endpoint-name.ts';
import type { NetworkDns } from '../../names/annotations.ts';
import { describeValue } from '../../schema/document.ts';
import { readSchema } from '../../schema/schema-read.ts';
import {
  type Attach,
  type CniDnsFile,
  type ConfigFile,
  configFile,
  familiesOf,
  OWN_IPAM,
  type PluginName,
  VALID_ATTACHMENTS,
} from './config-file.ts';
import { CNI_CODE, type CniError } from './error.ts';
import { ipOf } from './parse-result.ts';
import type { CniResult, ResultRoute } from './result.ts';
import { type CniVersion, DEFAULT_VERSION, SUPPORTED_VERSIONS, tryParseVersion } from './version.ts';
import { type CniArgs, NO_WORKLOAD_ARGS, readWorkloadArgs, type WorkloadArgs } from './workload-args.ts';

interface IpamConfig {
  /** `calico-ipam`, or the name of a plugin on CNI_PATH. */
  readonly type: string;
  readonly ipv4: boolean;
  readonly ipv6: boolean;
  /** Ranges or names of pools. */
  readonly ipv4Pools: readonly string[];
  readonly ipv6Pools: readonly string[];
  /** Whether the addresses that are asked for may be reserved ones. */
  readonly allowsReserved: boolean;
  /** What the container reaches by this network's interface, whichever of its interfaces has the preference. */
  readonly routes: readonly ResultRoute[];
}

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
  /** What its members find by asking their host. */
  readonly networkDns: NetworkDns;
  /** What the runtime still has, as GC hands it over; undefined: absent. */
  readonly validAttachments: readonly Attachment[] | undefined;
}

export type ConfigResult =
  | { readonly kind: 'config'; readonly config: NetworkConfig }
  | { readonly kind: 'refused'; readonly error: CniError };

/** What a container asks for goes before what the file says for all. */
function choosePools(ipam: IpamConfig, { pools }: WorkloadArgs): IpamConfig {
  const [ipv4Pools, ipv6Pools] = [pools.ipv4, pools.ipv6];
  return {
    ...ipam,
    ...(ipv4Pools.length > 0 ? { ipv4Pools } : {}),
    ...(ipv6Pools.length > 0 ? { ipv6Pools } : {}),
  };
}

/** What another plugin is not asked by us. */
const NO_POOLS = { ipv4: false, ipv6: false, ipv4Pools: [], ipv6Pools: [], allowsReserved: false } as const;

function toIpam({ type, routes = [], ...own }: ConfigFile['ipam']): IpamConfig {
  const networkRoutes = routes.map(({ dst, gw }): ResultRoute => ({ destination: dst, gateway: ipOf(gw) }));
  if (type !== OWN_IPAM) return { ...NO_POOLS, type, routes: networkRoutes };
  const { assign_ipv4, assign_ipv6, ipv4_pools: ipv4Pools = [], ipv6_pools: ipv6Pools = [] } = own;
  const allowsReserved = own.allow_reserved ?? false;
  return { type, ...familiesOf(assign_ipv4, assign_ipv6), ipv4Pools, ipv6Pools, allowsReserved, routes: networkRoutes };
}

function toDns({ nameservers = [], search = [], options = [], domain = '' }: CniDnsFile = {}): CniResult['dns'] {
  const lists = Object.entries({ nameservers, search, options }).filter(([, texts]) => texts.length > 0);
  return { ...Object.fromEntries(lists), ...(domain === '' ? {} : { domain }) };
}

function toConfig(file: ConfigFile, version: CniVersion, workloadArgs: WorkloadArgs): NetworkConfig {
  return {
    version,
    type: file.type ?? '',
    name: file.name,
    ipam: choosePools(toIpam(file.ipam), workloadArgs),
    mtuBytes: file.mtu || undefined,
    requireMtu: file.require_mtu_file ?? false,
    queues: Math.max(1, file.num_queues ?? 1),
    nodeName: file.nodename || undefined,
    createsProfile: (file.policy?.type ?? '') === '',
    allowForwarding: file.container_settings?.allow_ip_forwarding ?? false,
    attach: file.attach,
    readinessGates: file.readiness_gates ?? [],
    workloadArgs,
    previous: file.prevResult,
    dns: { ...toDns(file.dns), ...toDns(workloadArgs.dns) },
    networkDns: file.ocicat?.dns ?? 'on',
    validAttachments: file[VALID_ATTACHMENTS]?.map(({ containerID, ifname }) => ({
      containerId: storableContainerId(containerID),
      interfaceName: ifname,
    })),
  };
}

/** GC's list; null is how Go prints an empty one. */
function withoutNull(value: JsonObject): JsonObject {
  return value[VALID_ATTACHMENTS] === null ? { ...value, [VALID_ATTACHMENTS]: [] } : value;
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
    return refuse(CNI_CODE.undecodable, `error unmarshall network config: ${describeJsonFault(error)}`);
  }
  if (!isJsonObject(value)) return refuse(CNI_CODE.undecodable, 'error unmarshall network config: not an object');
  const wanted = value.cniVersion ?? DEFAULT_VERSION;
  const version = typeof wanted === 'string' ? tryParseVersion(wanted === '' ? DEFAULT_VERSION : wanted) : undefined;
  if (version === undefined) {
    const supported = SUPPORTED_VERSIONS.map((one) => `"${one}"`).join(' ');
    return refuse(
      CNI_CODE.incompatibleVersion,
      'incompatible CNI versions',
      `config is ${describeValue(wanted)}, plugin supports [${supported}]`,
    );
  }
  const workload = args === undefined ? { args: NO_WORKLOAD_ARGS, issues: [] } : readWorkloadArgs(value, args);
  const file = readSchema(configFile[plugin], withoutNull(value), 'open');
  const issues = [...(file.kind === 'invalid' ? file.issues : []), ...workload.issues];
  if (file.kind === 'valid' && issues.length === 0)
    return { kind: 'config', config: toConfig(file.value, version, workload.args) };
  const details = issues.map(formatIssue).join('; ');
  return issues.every(({ path }) => path.startsWith('CNI_ARGS'))
    ? refuse(CNI_CODE.invalidEnvironment, 'invalid environment', details, version)
    : refuse(CNI_CODE.invalidConfig, 'invalid network configuration', details, version);
}
