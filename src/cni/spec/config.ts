// The network configuration on a plugin's standard input, from JSON to values or to every reason to refuse it (Calico
// v3.33, cni-plugin/pkg/types/types.go; CNI spec 1.1.0, "Plugin configuration objects").
import { formatIssue, type Issue } from '../../base/errors.ts';
import type { JsonObject } from '../../base/json.ts';
import { storableContainerId } from '../../model/endpoint/container-id.ts';
import type { Attachment } from '../../model/endpoint/workload-endpoint-name.ts';
import type { NetworkDns } from '../../names/annotations.ts';
import { membersOf } from '../../schema/document.ts';
import { readSchema } from '../../schema/schema-read.ts';
import {
  type Attach,
  type CniDnsFile,
  type ConfigFile,
  configFile,
  familiesOf,
  isPluginName,
  OWN_IPAM,
  type PluginName,
  removalFile,
  VALID_ATTACHMENTS,
} from './config-file.ts';
import { parseHeader, type Refused, refuse } from './config-header.ts';
import type { Command } from './environment.ts';
import { CNI_CODE } from './error.ts';
import { ipOf } from './parse-result.ts';
import type { CniResult, ResultRoute } from './result.ts';
import { findUnsupported } from './unsupported.ts';
import type { CniVersion } from './version.ts';
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

export type ConfigResult = { readonly kind: 'config'; readonly config: NetworkConfig } | Refused;

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

/** What ADD refuses must still be let go, so nothing but the network and who gives its addresses is read for DEL. */
function parseRemoval(value: JsonObject, version: CniVersion, plugin: PluginName): ConfigResult {
  const file = readSchema(removalFile, value, 'open');
  if (file.kind === 'invalid') return refuseIssues(file.issues, [], version);
  const type = membersOf(file.value.ipam)?.type;
  const isOthers = plugin === 'calico' && typeof type === 'string' && isPluginName(type);
  const ipam = { type: isOthers ? type : OWN_IPAM };
  return { kind: 'config', config: toConfig({ name: file.value.name, ipam }, version, NO_WORKLOAD_ARGS) };
}

/** All that is wrong at once, with the code of what it is: the variables, keys that ask for what is not there, or the file. */
function refuseIssues(issues: readonly Issue[], unsupported: readonly Issue[], version: CniVersion): Refused {
  const text = [...issues, ...unsupported].map(formatIssue).join('; ');
  if (issues.length === 0) return refuse(CNI_CODE.unsupportedField, `unsupported field: ${text}`, undefined, version);
  return issues.every(({ path }) => path.startsWith('CNI_ARGS')) && unsupported.length === 0
    ? refuse(CNI_CODE.invalidEnvironment, `invalid environment: ${text}`, undefined, version)
    : refuse(CNI_CODE.invalidConfig, 'invalid network configuration', text, version);
}

/** What a call reads its configuration for. `args` is what CNI_ARGS says, undefined where nobody can ask something of them. */
export interface ConfigUse {
  readonly plugin: PluginName;
  readonly command: Command;
  readonly args?: CniArgs | undefined;
}

function parseWhole(value: JsonObject, version: CniVersion, { plugin, args }: ConfigUse): ConfigResult {
  const workload = args === undefined ? { args: NO_WORKLOAD_ARGS, issues: [] } : readWorkloadArgs(value, args);
  const file = readSchema(configFile[plugin], withoutNull(value), 'open');
  const issues = [...(file.kind === 'invalid' ? file.issues : []), ...workload.issues];
  const isOwnIpam = membersOf(value.ipam)?.type === OWN_IPAM;
  const unsupported = plugin === 'calico' ? findUnsupported(value, isOwnIpam) : [];
  return file.kind === 'valid' && issues.length + unsupported.length === 0
    ? { kind: 'config', config: toConfig(file.value, version, workload.args) }
    : refuseIssues(issues, unsupported, version);
}

/**
 * Refuses with code 6 (not JSON), 1 (another version), or every issue with code 4 (of CNI_ARGS alone), 2 (of what is not
 * supported alone) or 7.
 */
export function parseConfig(text: string, use: ConfigUse): ConfigResult {
  const header = parseHeader(text);
  if (header.kind === 'refused') return header;
  const { value, version } = header;
  return use.command === 'DEL' ? parseRemoval(value, version, use.plugin) : parseWhole(value, version, use);
}
