// The hosts of a cluster as ends of a flow: which addresses they have, and what becomes there of packets from and to their own
// workloads, which policy of host endpoints is not about.
import { isOcicatError } from '../base/errors.ts';
import { tryParseJson } from '../base/json.ts';
import { type FelixConfiguration, felixConfiguration } from '../model/felix/felix-configuration.ts';
import { computeNodeSettings } from '../model/felix/settings-for-node.ts';
import { parseStoredText } from '../model/meta/stored.ts';
import { type Ip, tryParseIp } from '../net/ip.ts';
import { computeFailsafes, type Failsafes } from '../policy/types/failsafe.ts';
import { membersOf } from '../schema/document.ts';

/** What a host does with a packet of one of its workloads, after the workload's policy has let it through. */
type ToHostAction = 'Drop' | 'Accept' | 'Return';

export interface Host {
  readonly addresses: readonly Ip[];
  /** Of the FelixConfigurations for this node; the file and the environment of its agent may say otherwise. */
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

/** Undefined for a node that cannot be read. */
function labelsOf({ text }: Document): Readonly<Record<string, string>> | undefined {
  const metadata = membersOf(membersOf(tryParseJson(text))?.metadata);
  const entries = Object.entries(membersOf(metadata?.labels) ?? {});
  return (
    metadata &&
    Object.fromEntries(entries.flatMap(([name, value]) => (typeof value === 'string' ? [[name, value]] : [])))
  );
}

/** By name; agents leave out what they cannot read. */
function readConfigurations(documents: readonly Document[]): ReadonlyMap<string, FelixConfiguration> {
  const read = ({ name, text }: Document): readonly (readonly [string, FelixConfiguration])[] => {
    try {
      return [[name, parseStoredText(felixConfiguration, { name }, text)]];
    } catch (error) {
      if (isOcicatError(error, 'corrupt')) return [];
      throw error;
    }
  };
  return new Map(documents.filter(({ kind }) => kind === 'FelixConfiguration').flatMap(read));
}

function readHost(
  node: Document,
  endpoints: readonly Document[],
  configurations: ReadonlyMap<string, FelixConfiguration>,
): Host {
  const settings = computeNodeSettings(configurations, { name: node.name, labels: labelsOf(node) });
  const word = settings.defaultEndpointToHostAction?.toLowerCase();
  return {
    addresses: addressesOf(node),
    toHost: ACTIONS.find((action) => action.toLowerCase() === word) ?? 'Drop',
    endpoints: endpoints.map(({ name }) => `HostEndpoint//${name}`).sort(),
    failsafes: computeFailsafes(settings),
  };
}

/** By name of the node. */
export function readHosts(documents: readonly Document[]): ReadonlyMap<string, Host> {
  const configurations = readConfigurations(documents);
  const isEndpoint = ({ kind }: Document) => kind === 'HostEndpoint';
  const endpoints = Map.groupBy(documents.filter(isEndpoint), (one) => specOf(one).node);
  const nodes = documents.filter(({ kind }) => kind === 'Node');
  return new Map(nodes.map((node) => [node.name, readHost(node, endpoints.get(node.name) ?? [], configurations)]));
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
