// Calico's keys, printed and parsed: resources, addresses and the node agent's status (Calico v3.33,
// libcalico-go/lib/backend/model); and our own beside them.
import { OcicatError } from '../base/errors.ts';
import { type KindName, kinds } from '../model/kinds.ts';

/** What a key has to know of a kind. */
interface StoredKind<K extends string = string> {
  readonly name: K;
  /** The segment in keys. */
  readonly plural: string;
  readonly namespaced: boolean;
}

/** Kinds that Calico stores and that nothing here describes: they are kept, listed and exported as they are. */
const otherKinds = [
  { name: 'KubeControllersConfiguration', plural: 'kubecontrollersconfigurations', namespaced: false },
  { name: 'LiveMigration', plural: 'livemigrations', namespaced: true },
  { name: 'StagedKubernetesNetworkPolicy', plural: 'stagedkubernetesnetworkpolicies', namespaced: true },
] as const satisfies readonly StoredKind[];

export type ResourceKind = KindName | (typeof otherKinds)[number]['name'];

/** Every kind that stands in stores as a resource. */
export const storedKinds: readonly StoredKind<ResourceKind>[] = [...kinds, ...otherKinds];

const kindByName: ReadonlyMap<string, StoredKind<ResourceKind>> = new Map(storedKinds.map((kind) => [kind.name, kind]));
const kindByPlural: ReadonlyMap<string, StoredKind<ResourceKind>> = new Map(
  storedKinds.map((kind) => [kind.plural, kind]),
);

/** Who holds a block: a host, or a name that is none (`load-balancer`). */
export interface BlockOwner {
  readonly kind: 'host' | 'virtual';
  readonly name: string;
}

/** What a key names. CIDRs are in canonical text, `10.0.0.0/26`; names are unescaped. */
export type StoreKey =
  | {
      readonly kind: 'resource';
      readonly resourceKind: ResourceKind;
      readonly namespace: string | undefined;
      readonly name: string;
    }
  | { readonly kind: 'block'; readonly cidr: string }
  | { readonly kind: 'affinity'; readonly owner: BlockOwner; readonly cidr: string }
  | { readonly kind: 'handle'; readonly handleId: string }
  | { readonly kind: 'ipam-config' }
  | { readonly kind: 'ipam-host'; readonly host: string }
  | { readonly kind: 'node-status'; readonly region: string | undefined; readonly host: string; readonly last: boolean }
  | {
      readonly kind: 'workload-status';
      readonly region: string | undefined;
      readonly host: string;
      readonly orchestrator: string;
      readonly workload: string;
      readonly endpoint: string;
    }
  | { readonly kind: 'host-endpoint-status'; readonly host: string; readonly name: string }
  /** Ours: which host has a node's name (`host`), and which agent of it lives (`agent`, with a lease). */
  | { readonly kind: 'holder'; readonly part: HolderPart; readonly node: string };

export type HolderPart = 'agent' | 'host';

const RESOURCES = '/calico/resources/v3/projectcalico.org/';
const IPAM = '/calico/ipam/v2/';
const FELIX_V2 = '/calico/felix/v2/';
const FELIX_V1 = '/calico/felix/v1/host/';
/** What Calico has no place for; its programs never look here. */
const OWN = '/calico/ocicat/v1/';

/** Below this lie all resources of all kinds. */
export const RESOURCES_PREFIX = RESOURCES;
/** Below this lies everything about addresses. */
export const IPAM_PREFIX = IPAM;
/** Below this lie the blocks of both families. */
export const BLOCKS_PREFIX = `${IPAM}assignment/`;
/** Below this lie the handles. */
export const HANDLES_PREFIX = `${IPAM}handle/`;
/** Below this lie all hosts' affinities and markers. */
export const AFFINITIES_PREFIX = `${IPAM}host/`;

/** Below this lies which hosts have which nodes' names. */
export const HOLDERS_PREFIX = `${OWN}nodes/`;

/** Below these lies what hosts report about themselves and their endpoints. */
export const STATUS_PREFIXES: readonly string[] = [FELIX_V2, FELIX_V1];

/** The kind of a name as Calico types it (`IPPool`). Throws `invalid` for any other. */
export function parseStoredKind(name: string): StoredKind<ResourceKind> {
  const kind = kindByName.get(name);
  if (kind === undefined) throw new OcicatError('invalid', `name kind "${name}": unknown`);
  return kind;
}

/** The prefix of all resources of a kind, or of one namespace of it. Ends with `/`. */
export function printResourcePrefix(kind: ResourceKind, namespace?: string): string {
  const all = `${RESOURCES}${parseStoredKind(kind).plural}/`;
  return namespace === undefined ? all : `${all}${checkSegment(namespace)}/`;
}

/** The prefix of one owner's affinities of both families. Ends with `/`. */
export function printAffinityPrefix(owner: BlockOwner): string {
  return `${IPAM}${owner.kind}/${checkSegment(owner.name)}/`;
}

/** The prefix of what a host reports of its endpoints. Ends with `/`. */
export function printWorkloadStatusPrefix(region: string | undefined, host: string): string {
  return `${FELIX_V2}${printRegion(region)}/host/${checkSegment(host)}/workload/`;
}

/** A segment that must stand unescaped; throws `invalid` when it is empty or would break the path. */
function checkSegment(segment: string): string {
  if (segment !== '' && !segment.includes('/')) return segment;
  throw new OcicatError('invalid', `name "${segment}": it is empty or has a slash, and no resource is called so`);
}

/** Felix escapes `%` and `/` only. */
function escapeSegment(text: string): string {
  return checkSegment(text.replaceAll('%', '%25').replaceAll('/', '%2f'));
}

function unescapeSegment(text: string): string {
  return text.replaceAll(/%2f/gi, '/').replaceAll('%25', '%');
}

function printCidrPath(cidr: string): string {
  return `${cidr.includes(':') ? 'ipv6' : 'ipv4'}/block/${checkSegment(cidr.replace('/', '-'))}`;
}

function printRegion(region: string | undefined): string {
  return region === undefined ? 'no-region' : `region-${escapeSegment(region)}`;
}

/** The key's text. Throws `invalid` for a part that cannot stand in a key. */
export function printKey(key: StoreKey): string {
  switch (key.kind) {
    case 'resource':
      return `${printResourcePrefix(key.resourceKind, key.namespace)}${checkSegment(key.name)}`;
    case 'block':
      return `${IPAM}assignment/${printCidrPath(key.cidr)}`;
    case 'affinity':
      return `${printAffinityPrefix(key.owner)}${printCidrPath(key.cidr)}`;
    case 'handle':
      return `${IPAM}handle/${checkSegment(key.handleId)}`;
    case 'ipam-config':
      return `${IPAM}config`;
    case 'ipam-host':
      return `${IPAM}host/${checkSegment(key.host)}`;
    case 'node-status':
      return `${FELIX_V2}${printRegion(key.region)}/host/${checkSegment(key.host)}/${key.last ? 'last_reported_status' : 'status'}`;
    case 'workload-status':
      return `${FELIX_V2}${printRegion(key.region)}/host/${checkSegment(key.host)}/workload/${escapeSegment(key.orchestrator)}/${escapeSegment(key.workload)}/endpoint/${escapeSegment(key.endpoint)}`;
    case 'host-endpoint-status':
      return `${FELIX_V1}${checkSegment(key.host)}/endpoint/${escapeSegment(key.name)}`;
    case 'holder':
      return `${OWN}nodes/${checkSegment(key.node)}/${key.part}`;
  }
}

function tryParseResource(path: readonly string[]): StoreKey | undefined {
  const [plural = '', ...rest] = path;
  const kind = kindByPlural.get(plural);
  if (kind === undefined || rest.length !== (kind.namespaced ? 2 : 1)) return undefined;
  const name = rest.at(-1) ?? '';
  return { kind: 'resource', resourceKind: kind.name, namespace: rest.length === 2 ? rest[0] : undefined, name };
}

/** `ipv4`, `block`, `10.0.0.0-26` → `10.0.0.0/26`. */
function tryParseCidrPath([family, block, dashed = '', ...rest]: readonly string[]): string | undefined {
  if (block !== 'block' || rest.length > 0 || !/^[0-9a-f.:]+-\d+$/.test(dashed)) return undefined;
  return family === (dashed.includes(':') ? 'ipv6' : 'ipv4') ? dashed.replace('-', '/') : undefined;
}

function tryParseIpam(path: readonly string[]): StoreKey | undefined {
  const [branch, name = '', ...rest] = path;
  if (branch === 'config' && path.length === 1) return { kind: 'ipam-config' };
  if (branch === 'handle' && path.length === 2) return { kind: 'handle', handleId: name };
  if (branch === 'host' && path.length === 2) return { kind: 'ipam-host', host: name };
  const cidr = tryParseCidrPath(branch === 'assignment' ? path.slice(1) : rest);
  if (cidr === undefined) return undefined;
  if (branch === 'assignment') return { kind: 'block', cidr };
  return branch === 'host' || branch === 'virtual'
    ? { kind: 'affinity', owner: { kind: branch, name }, cidr }
    : undefined;
}

function tryParseStatus([regionText = '', hostSegment, host = '', ...rest]: readonly string[]): StoreKey | undefined {
  const named = /^region-(.+)$/.exec(regionText)?.[1];
  if ((named === undefined && regionText !== 'no-region') || hostSegment !== 'host') return undefined;
  const region = named === undefined ? undefined : unescapeSegment(named);
  const [what, ...names] = rest;
  if (rest.length === 1 && (what === 'status' || what === 'last_reported_status'))
    return { kind: 'node-status', region, host, last: what !== 'status' };
  if (rest.length !== 5 || what !== 'workload' || names[2] !== 'endpoint') return undefined;
  const [orchestrator = '', workload = '', , endpoint = ''] = names.map(unescapeSegment);
  return { kind: 'workload-status', region, host, orchestrator, workload, endpoint };
}

function tryParseHostEndpointStatus([host = '', segment, name = '', ...rest]: readonly string[]): StoreKey | undefined {
  if (segment !== 'endpoint' || rest.length > 0) return undefined;
  return { kind: 'host-endpoint-status', host, name: unescapeSegment(name) };
}

function tryParseOwn([branch, node = '', part, ...rest]: readonly string[]): StoreKey | undefined {
  const isHolder = branch === 'nodes' && rest.length === 0 && (part === 'agent' || part === 'host');
  return isHolder ? { kind: 'holder', part, node } : undefined;
}

const branches: readonly (readonly [string, (path: readonly string[]) => StoreKey | undefined])[] = [
  [RESOURCES, tryParseResource],
  [IPAM, tryParseIpam],
  [FELIX_V2, tryParseStatus],
  [FELIX_V1, tryParseHostEndpointStatus],
  [OWN, tryParseOwn],
];

/** What a key names, or undefined for a key that is none of these; `printKey` gives the same text back. */
export function tryParseKey(text: string): StoreKey | undefined {
  for (const [prefix, tryParse] of branches) {
    if (!text.startsWith(prefix)) continue;
    const path = text.slice(prefix.length).split('/');
    return path.includes('') ? undefined : tryParse(path);
  }
  return undefined;
}
