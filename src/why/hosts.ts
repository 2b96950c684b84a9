// The hosts of a cluster as ends of a flow: which addresses they have, and what becomes there of packets from and to their own
// workloads, which policy of host endpoints is not about.
import { tryParseJson } from '../base/json.ts';
import { felixConfigurationSpec } from '../model/felix/felix-configuration.ts';
import { type Ip, tryParseIp } from '../net/ip.ts';
import { computeFailsafes, DEFAULT_FAILSAFES, type Failsafes } from '../policy/types/failsafe.ts';
import { membersOf } from '../schema/document.ts';
import { readSchema } from '../schema/schema-read.ts';

/** What a host does with a packet of one of its workloads, after the workload's policy has let it through. */
type ToHostAction = 'Drop' | 'Accept' | 'Return';

export interface Host {
  readonly addresses: readonly Ip[];
  /** Of the FelixConfigurations for all nodes and for this one; others, the file and the environment of its agent may say otherwise. */
  readonly toHost: ToHostAction;
  /** Ids of its host endpoints, by name. */
  readonly endpoints: readonly string[];
  /** As with toHost. */
  readonly failsafes: Failsafes;
}

/** Why a host decides, and no policy. */
export type HostReason =
  | { readonly kind: 'to-host'; readonly host: string; readonly toHost: ToHostAction }
  | { readonly kind: 'from-host'; readonly host: string };

interface Document {
  readonly kind: string;
  readonly name: string;
  /** JSON. */
  readonly text: string;
}

const ACTIONS: readonly ToHostAction[] = ['Drop', 'Accept', 'Return'];

function specOf({ text }: Document): Readonly<Record<string, unknown>> {
  return membersOf(membersOf(tryParseJson(text))?.spec) ?? {};
}

function parseAddress(value: unknown): readonly Ip[] {
  const address = typeof value === 'string' ? tryParseIp(value.replace(/\/\d+$/, '')) : undefined;
  return address === undefined ? [] : [address];
}

/** Those that its agent has found, and those that somebody wrote down. */
function addressesOf(node: Document): readonly Ip[] {
  const { bgp, addresses } = specOf(node);
  const { ipv4Address, ipv6Address } = membersOf(bgp) ?? {};
  const listed = Array.isArray(addresses) ? addresses.map((one: unknown) => membersOf(one)?.address) : [];
  return [...new Set([ipv4Address, ipv6Address, ...listed].flatMap(parseAddress))];
}

function toHostOf(configuration: Document | undefined): ToHostAction | undefined {
  const word = configuration && specOf(configuration).defaultEndpointToHostAction;
  return ACTIONS.find((action) => typeof word === 'string' && action.toLowerCase() === word.toLowerCase());
}

function failsafesOf(configurations: readonly (Document | undefined)[]): Failsafes {
  const specs = configurations.map((one) => one && readSchema(felixConfigurationSpec, specOf(one), 'stored'));
  const settings = specs.flatMap((read) => (read?.kind === 'valid' ? [read.value] : []));
  return settings.reduceRight<Failsafes>((otherwise, one) => computeFailsafes(one, otherwise), DEFAULT_FAILSAFES);
}

function readHost(node: Document, documents: readonly Document[]): Host {
  const [own, common] = [`node.${node.name}`, 'default'].map((name) =>
    documents.find((one) => one.kind === 'FelixConfiguration' && one.name === name),
  );
  const endpoints = documents.filter((one) => one.kind === 'HostEndpoint' && specOf(one).node === node.name);
  return {
    addresses: addressesOf(node),
    toHost: toHostOf(own) ?? toHostOf(common) ?? 'Drop',
    endpoints: endpoints.map(({ name }) => `HostEndpoint//${name}`).sort(),
    failsafes: failsafesOf([own, common]),
  };
}

/** By name of the node. */
export function readHosts(documents: readonly Document[]): ReadonlyMap<string, Host> {
  const nodes = documents.filter(({ kind }) => kind === 'Node');
  return new Map(nodes.map((node) => [node.name, readHost(node, documents)]));
}

/** How a packet goes: from one end to the other through hosts, or between a workload and its own host. */
export type Path = 'forward' | 'to-host' | 'from-host';

/** One end: the node of the workload that it is, or the host that it is. */
interface PathEnd {
  readonly workloadNode: string | undefined;
  readonly host: string | undefined;
}

export function pathBetween(source: PathEnd, destination: PathEnd): Path {
  if (source.workloadNode !== undefined && source.workloadNode === destination.host) return 'to-host';
  return destination.workloadNode !== undefined && destination.workloadNode === source.host ? 'from-host' : 'forward';
}

/** The host that has one of the addresses; undefined where none has. */
export function findHost(addresses: readonly Ip[], hosts: ReadonlyMap<string, Host>): string | undefined {
  return [...hosts].find(([, host]) => host.addresses.some((address) => addresses.includes(address)))?.[0];
}

/** What the host does towards a workload of its own, or with a packet from one; undefined where policies decide. */
export function judgeHost(
  path: Path,
  name: string | undefined,
  hosts: ReadonlyMap<string, Host>,
): { readonly action: 'allow' | 'deny'; readonly reason: HostReason } | undefined {
  const host = hosts.get(name ?? '');
  if (path === 'forward' || name === undefined || host === undefined) return undefined;
  if (path === 'from-host') return { action: 'allow', reason: { kind: 'from-host', host: name } };
  const { toHost } = host;
  return { action: toHost === 'Drop' ? 'deny' : 'allow', reason: { kind: 'to-host', host: name, toHost } };
}
