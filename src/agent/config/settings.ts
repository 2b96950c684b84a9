// What the environment tells the agent (Calico v3.33, node/pkg/lifecycle/startup/startup.go), parsed once into values or
// refused with every issue.
import { tryParseDurationMs } from '../../base/duration.ts';
import { type Issue, isOcicatError, OcicatError } from '../../base/errors.ts';
import { STALL_MS } from '../../datastore/sync/watchdog.ts';
import { type Cidr, cidrFamily, isMasked, tryParseCidr } from '../../net/cidr.ts';
import { type Family, type Ip, tryParseIp } from '../../net/ip.ts';

/** How this node's address of a family is found. */
export type AddressSetting =
  /** Keep what the Node has; otherwise detect, where the family is detected by default. */
  | { readonly kind: 'keep' }
  | { readonly kind: 'autodetect' }
  /** Keep what the Node has and never detect. */
  | { readonly kind: 'none' }
  | { readonly kind: 'fixed'; readonly address: Ip; readonly prefixLength: number | undefined };

export type DetectionMethod =
  | { readonly kind: 'first-found' }
  | { readonly kind: 'interface'; readonly patterns: readonly RegExp[] }
  | { readonly kind: 'skip-interface'; readonly patterns: readonly RegExp[] }
  | { readonly kind: 'cidr'; readonly ranges: readonly Cidr[] }
  | { readonly kind: 'can-reach'; readonly destination: string };

/** `default`: choose a range; `none`: create no pool of the family. */
export type PoolSetting =
  | { readonly kind: 'default' }
  | { readonly kind: 'none' }
  | { readonly kind: 'range'; readonly cidr: Cidr };

/** Of a pool: which packets between hosts are encapsulated. */
export type EncapsulationMode = 'Never' | 'Always' | 'CrossSubnet';

export interface AgentSettings {
  readonly nodeName: string | undefined;
  readonly nodeNameFile: string;
  /** What the environment calls the host, for a node that nobody has named; not checked yet. */
  readonly hostName: string | undefined;
  /** The machine that the node's name may be taken from although it has left workloads, as messages call it. */
  readonly takeOver: string | undefined;
  /** Felix's own file of settings; it need not be there. */
  readonly felixConfigFile: string;
  readonly ipv4: AddressSetting;
  readonly ipv6: AddressSetting;
  readonly ipv4Method: DetectionMethod;
  readonly ipv6Method: DetectionMethod;
  /** How often it is asked again what can be reached over which address. */
  readonly detectionMs: number;
  /** Whether an address that another node has is refused. */
  readonly checksAddresses: boolean;
  readonly asNumber: number | undefined;
  readonly routerId: string | undefined;
  readonly defaultPools: boolean;
  /** Flows that an endpoint may have at a time; 0: no limit; undefined: the default. */
  readonly maxFlows: number | undefined;
  readonly ipv4Pool: PoolSetting;
  readonly ipv6Pool: PoolSetting;
  readonly ipv4PoolBlockSize: number | undefined;
  readonly ipv4PoolNatOutgoing: boolean;
  readonly ipv6PoolBlockSize: number | undefined;
  readonly ipv6PoolNatOutgoing: boolean;
  readonly ipv4PoolIpip: EncapsulationMode;
  readonly ipv4PoolVxlan: EncapsulationMode;
  readonly ipv6PoolVxlan: EncapsulationMode;
  /** `vxlan`: no BIRD; all routes are the agent's own. `none`: nothing between hosts. */
  readonly backend: 'bird' | 'vxlan' | 'none';
  /** Nobody else may change the table of rules, where the kernel offers that. */
  readonly ownTable: boolean;
  /** For so long the store may be ahead of what has come of it, before it counts as not followed. */
  readonly stallMs: number;
}

type Environment = Readonly<Record<string, string | undefined>>;
type Collect = <T>(name: string, parse: (text: string) => T) => T | undefined;

function refuse(found: string, wanted: string): never {
  throw new OcicatError('invalid', wanted, { issues: [{ path: '', found: `"${found}"`, wanted }] });
}

function parseAddress(family: Family): (text: string) => AddressSetting {
  return (text) => {
    if (text === 'autodetect' || text === 'none') return { kind: text };
    const cidr = tryParseCidr(text);
    const address = cidr?.address ?? tryParseIp(text);
    if (address === undefined || (typeof address === 'number') !== (family === 4)) {
      return refuse(text, `"autodetect", "none" or an IPv${family} address with or without a prefix length`);
    }
    return { kind: 'fixed', address, prefixLength: cidr?.prefixLength };
  };
}

function parsePatterns(text: string): readonly RegExp[] {
  return text.split(/\s*,\s*/).map((pattern) => {
    try {
      return new RegExp(pattern);
    } catch {
      return refuse(pattern, 'a regular expression for interface names');
    }
  });
}

function parseRanges(text: string): readonly Cidr[] {
  return text.split(/\s*,\s*/).map((range) => tryParseCidr(range) ?? refuse(range, 'a range such as 10.0.0.0/8'));
}

const METHODS = 'first-found, interface=, skip-interface=, cidr= or can-reach=';

/** `first-found`, `interface=RE,…`, `skip-interface=RE,…`, `cidr=C,…` or `can-reach=HOST`. */
function parseMethod(text: string): DetectionMethod {
  const [name, ...rest] = text.split('=');
  const value = rest.join('=').trim();
  if (text === 'first-found') return { kind: 'first-found' };
  if (text.startsWith('kubernetes-internal-ip'))
    return refuse(
      text,
      `${METHODS}: there is no Kubernetes whose Node says it; cidr= with the range of that address finds it`,
    );
  if (value === '') return refuse(text, METHODS);
  switch (name) {
    case 'interface':
    case 'skip-interface':
      return { kind: name, patterns: parsePatterns(value) };
    case 'cidr':
      return { kind: 'cidr', ranges: parseRanges(value) };
    case 'can-reach':
      return { kind: 'can-reach', destination: value };
    default:
      return refuse(text, METHODS);
  }
}

function parseBoolean(text: string): boolean {
  if (/^(true|1|yes)$/i.test(text)) return true;
  if (/^(false|0|no)$/i.test(text)) return false;
  return refuse(text, '"true" or "false"');
}

/** 1 to 2^32-1, plain or dotted `high.low`. */
function parseAsNumber(text: string): number {
  const dotted = /^(\d{1,5})\.(\d{1,5})$/.exec(text);
  const [high, low] = [Number(dotted?.[1]), Number(dotted?.[2])];
  const value = dotted === null ? (/^\d{1,10}$/.test(text) ? Number(text) : 0) : high * 65536 + low;
  const fits = dotted === null || (high <= 65535 && low <= 65535);
  return fits && value >= 1 && value <= 0xffffffff ? value : refuse(text, 'an AS number, 1 to 4294967295');
}

function parsePool(family: Family): (text: string) => PoolSetting {
  return (text) => {
    if (text === 'none') return { kind: 'none' };
    const cidr = tryParseCidr(text);
    if (cidr === undefined || cidrFamily(cidr) !== family || !isMasked(cidr)) {
      return refuse(text, `"none" or an IPv${family} range without host bits`);
    }
    return { kind: 'range', cidr };
  };
}

function parseBlockSize(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,3}$/.test(text) ? Number(text) : 0;
    return value >= least && value <= most ? value : refuse(text, `a prefix length, ${least} to ${most}`);
  };
}

function parseRouterId(text: string): string {
  return text === 'hash' || typeof tryParseIp(text) === 'number' ? text : refuse(text, '"hash" or an IPv4 address');
}

/** Whether a node can be called so: the name stands in keys, and is compared letter by letter. */
export function isNodeName(text: string): boolean {
  return /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/.test(text) && text.length <= 253;
}

function parseNodeName(text: string): string {
  return isNodeName(text) ? text : refuse(text, 'lower-case letters, digits, dashes and dots');
}

function parseMachine(text: string): string {
  return /^[0-9a-f]{16}$/.test(text) ? text : refuse(text, 'a machine as the refusal to start names it, 16 digits');
}

function parseCount(text: string): number {
  return /^\d{1,9}$/.test(text) ? Number(text) : refuse(text, 'a number from 0 to 999999999');
}

/** Servers are asked every 5 seconds how far they have come; less than two answers prove nothing. */
function parseStallMs(text: string): number {
  const seconds = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  return seconds >= 10 && seconds <= 3_600 ? seconds * 1_000 : refuse(text, 'a number of seconds, 10 to 3600');
}

/** As Go writes durations. */
function parseDetectionMs(text: string): number {
  const ms = tryParseDurationMs(text) ?? 0;
  return ms >= 1_000 ? ms : refuse(text, 'a duration of a second or more, such as 1m30s');
}

function parseBackend(text: string): AgentSettings['backend'] {
  return text === 'bird' || text === 'vxlan' || text === 'none' ? text : refuse(text, '"bird", "vxlan" or "none"');
}

const MODES: Readonly<Record<string, EncapsulationMode>> = {
  ...{ never: 'Never', off: 'Never', always: 'Always' },
  ...{ crosssubnet: 'CrossSubnet', 'cross-subnet': 'CrossSubnet' },
};

/** As Calico takes them (Calico v3.33, node/pkg/lifecycle/startup/startup.go). */
function parseMode(text: string): EncapsulationMode {
  return MODES[text.toLowerCase()] ?? refuse(text, '"Never", "Always" or "CrossSubnet"');
}

function createCollector(environment: Environment): { collect: Collect; issues: Issue[] } {
  const issues: Issue[] = [];
  const collect: Collect = (name, parse) => {
    const text = environment[name]?.trim();
    if (text === undefined || text === '') return undefined;
    try {
      return parse(text);
    } catch (error) {
      if (!isOcicatError(error, 'invalid')) throw error;
      issues.push(...error.issues.map((issue) => ({ ...issue, path: name })));
      return undefined;
    }
  };
  return { collect, issues };
}

/**
 * Blanks and line breaks around a value are none of it. Throws `invalid` with an issue for each that cannot be understood.
 */
export function parseAgentSettings(environment: Environment): AgentSettings {
  const { collect, issues } = createCollector(environment);
  const settings: AgentSettings = {
    nodeName: collect('NODENAME', parseNodeName),
    nodeNameFile: environment.CALICO_NODENAME_FILE || '/var/lib/calico/nodename',
    hostName: collect('HOSTNAME', (text) => text.toLowerCase()),
    takeOver: collect('CALICO_NODE_TAKEOVER', parseMachine),
    felixConfigFile: environment.CALICO_FELIX_CONFIG_FILE || '/etc/calico/felix.cfg',
    ipv4: collect('IP', parseAddress(4)) ?? { kind: 'keep' },
    ipv6: collect('IP6', parseAddress(6)) ?? { kind: 'keep' },
    ipv4Method: collect('IP_AUTODETECTION_METHOD', parseMethod) ?? { kind: 'first-found' },
    ipv6Method: collect('IP6_AUTODETECTION_METHOD', parseMethod) ?? { kind: 'first-found' },
    detectionMs: collect('AUTODETECT_POLL_INTERVAL', parseDetectionMs) ?? 60_000,
    checksAddresses: !(collect('DISABLE_NODE_IP_CHECK', parseBoolean) ?? false),
    asNumber: collect('AS', parseAsNumber),
    routerId: collect('CALICO_ROUTER_ID', parseRouterId),
    defaultPools: !(collect('NO_DEFAULT_POOLS', parseBoolean) ?? false),
    ownTable: collect('NFTABLES_OWN_TABLE', parseBoolean) ?? true,
    stallMs: collect('DATASTORE_STALL_SECONDS', parseStallMs) ?? STALL_MS,
    maxFlows: collect('MAX_FLOWS_PER_ENDPOINT', parseCount),
    ipv4Pool: collect('CALICO_IPV4POOL_CIDR', parsePool(4)) ?? { kind: 'default' },
    ipv6Pool: collect('CALICO_IPV6POOL_CIDR', parsePool(6)) ?? { kind: 'default' },
    ipv4PoolBlockSize: collect('CALICO_IPV4POOL_BLOCK_SIZE', parseBlockSize(20, 32)),
    ipv4PoolNatOutgoing: collect('CALICO_IPV4POOL_NAT_OUTGOING', parseBoolean) ?? true,
    ipv6PoolBlockSize: collect('CALICO_IPV6POOL_BLOCK_SIZE', parseBlockSize(116, 128)),
    ipv6PoolNatOutgoing: collect('CALICO_IPV6POOL_NAT_OUTGOING', parseBoolean) ?? false,
    ipv4PoolIpip: collect('CALICO_IPV4POOL_IPIP', parseMode) ?? 'Never',
    ipv4PoolVxlan: collect('CALICO_IPV4POOL_VXLAN', parseMode) ?? 'Never',
    ipv6PoolVxlan: collect('CALICO_IPV6POOL_VXLAN', parseMode) ?? 'Never',
    backend: collect('CALICO_NETWORKING_BACKEND', parseBackend) ?? 'bird',
  };
  if (issues.length > 0) throw new OcicatError('invalid', 'read environment: settings refused', { issues });
  return settings;
}
