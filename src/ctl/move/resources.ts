// One resource of a machine's own store in a cluster: new there, the same there, or another one of that name.
import { sameContent } from '../../base/equal.ts';
import { printJson, tryParseJson } from '../../base/json.ts';
import { printResourcePrefix, type StoreKey } from '../../datastore/keys.ts';
import type { KeyValue } from '../../datastore/port.ts';
import { isUntouchedSetting } from '../../datastore/resource/default-settings.ts';
import { tryReadPoolRange } from '../../model/ipam/ip-pool.ts';
import { policyKinds } from '../../model/kinds.ts';
import { formatResourceName } from '../../model/meta/resource.ts';
import { DEFAULT_TIER_ORDER } from '../../model/policy/tier.ts';
import { cidrsOverlap, tryParseCidrOrIp } from '../../net/cidr.ts';
import { membersOf } from '../../schema/document.ts';
import { conflict, KNOWN, type Planned, type StoreContent, writeOf } from './step.ts';

type ResourceKey = Extract<StoreKey, { kind: 'resource' }>;
type Members = Readonly<Record<string, unknown>>;

/** Undefined for what is no JSON object. */
function tryRead({ value }: Pick<KeyValue, 'value'>): Members | undefined {
  return membersOf(tryParseJson(value));
}

function specOf(kv: Pick<KeyValue, 'value'>): Members {
  return membersOf(tryRead(kv)?.spec) ?? {};
}

/** What users say of a resource, by path: its identity and its state are each store's own. */
function contentOf(kv: KeyValue): ReadonlyMap<string, unknown> | undefined {
  const resource = tryRead(kv);
  if (resource === undefined) return undefined;
  const metadata = membersOf(resource.metadata) ?? {};
  const spec = Object.entries(membersOf(resource.spec) ?? {}).map(([name, value]) => [`spec.${name}`, value] as const);
  const notes = ['labels', 'annotations'].map((name) => [`metadata.${name}`, metadata[name]] as const);
  return new Map([...notes, ...spec].filter(([, value]) => value !== undefined && value !== null));
}

/** Paths at which they differ; the whole where one cannot be read. */
function differencesOf(own: KeyValue, standing: KeyValue): readonly string[] {
  if (own.value === standing.value) return [];
  const [ours, theirs] = [contentOf(own), contentOf(standing)];
  if (ours === undefined || theirs === undefined) return ['what it says'];
  const paths = new Set([...ours.keys(), ...theirs.keys()]);
  return [...paths].filter((path) => !sameContent(ours.get(path), theirs.get(path)));
}

/** Resources of a kind in the cluster. */
function listKind(cluster: StoreContent, key: string): readonly KeyValue[] {
  const prefix = key.slice(0, key.lastIndexOf('/') + 1);
  return [...cluster.values()].filter((kv) => kv.key.startsWith(prefix) && kv.key !== key);
}

function nameAt({ key }: KeyValue): string {
  return key.slice(key.lastIndexOf('/') + 1);
}

/** Pools of the cluster that a new one would overlap. */
function overlapsOf(kv: KeyValue, name: string, cluster: StoreContent): readonly string[] {
  const range = tryReadPoolRange(specOf(kv));
  if (range === undefined) return [];
  return listKind(cluster, kv.key).flatMap((other) => {
    const { cidr } = specOf(other);
    const taken = tryReadPoolRange(specOf(other));
    const message = `${name} (${specOf(kv).cidr}) overlaps IPPool(${nameAt(other)}) (${cidr}) of the cluster`;
    return taken !== undefined && cidrsOverlap(taken, range) ? [message] : [];
  });
}

function addressesOf(kv: KeyValue): ReadonlySet<unknown> {
  const { ipv4Address, ipv6Address } = membersOf(specOf(kv).bgp) ?? {};
  const addresses = [ipv4Address, ipv6Address].map((text) => tryParseCidrOrIp(String(text ?? ''))?.address);
  return new Set(addresses.filter((address) => address !== undefined));
}

/** Nodes of the cluster that have an address of a new one. */
function duplicatesOf(kv: KeyValue, name: string, cluster: StoreContent): readonly string[] {
  const own = addressesOf(kv);
  return listKind(cluster, kv.key)
    .filter((other) => [...addressesOf(other)].some((address) => own.has(address)))
    .map((other) => `${name} has an address of Node(${nameAt(other)}) of the cluster`);
}

/** A cluster that nobody has begun yet takes over the identity of this one; it is not locked. */
function unlocked(kv: KeyValue): Pick<KeyValue, 'key' | 'value'> {
  const resource = tryRead(kv) ?? {};
  return { key: kv.key, value: printJson({ ...resource, spec: { ...specOf(kv), datastoreReady: true } }) };
}

function planNew(kv: KeyValue, named: ResourceKey, name: string, cluster: StoreContent): Planned {
  const { resourceKind } = named;
  if (resourceKind === 'ClusterInformation') return writeOf(unlocked(kv), undefined);
  const conflicting =
    resourceKind === 'IPPool'
      ? overlapsOf(kv, name, cluster)
      : resourceKind === 'Node'
        ? duplicatesOf(kv, name, cluster)
        : [];
  return conflicting.length > 0 ? conflict(...conflicting) : writeOf(kv, undefined);
}

/** What every agent writes into an empty store is nobody's wish. */
function isNobodys(kv: KeyValue, { resourceKind, name }: ResourceKey): boolean {
  if (resourceKind === 'ClusterInformation') return true;
  return isUntouchedSetting({ kind: resourceKind, name, spec: specOf(kv) });
}

export function planResource(kv: KeyValue, named: ResourceKey, cluster: StoreContent): Planned {
  const { resourceKind: kind, namespace, name } = named;
  const id = formatResourceName({ kind, namespace, name });
  const standing = cluster.get(kv.key);
  if (standing === undefined) return planNew(kv, named, id, cluster);
  if (isNobodys(kv, named)) return KNOWN;
  const differences = differencesOf(kv, standing);
  return differences.length === 0 ? KNOWN : conflict(`${id} is another one in the cluster: ${differences.join(', ')}`);
}

const TIERS = printResourcePrefix('Tier');
const policyPrefixes = policyKinds.map((kind) => printResourcePrefix(kind.name));

function orderOf(kv: Pick<KeyValue, 'value'>, usual: number): number {
  const { order } = specOf(kv);
  return typeof order === 'number' ? order : usual;
}

/**
 * Where a write comes among the others: policies after all that they name, and those first that judge first. Whatever a
 * packet meets in between is what decides in the end, or what decided before.
 */
export function rankOf(all: StoreContent): (write: Pick<KeyValue, 'key' | 'value'>) => number {
  const tiers = new Map<string, number>();
  for (const kv of all.values()) if (kv.key.startsWith(TIERS)) tiers.set(nameAt(kv), orderOf(kv, DEFAULT_TIER_ORDER));
  const policies = [...all.values()]
    .filter(({ key }) => policyPrefixes.some((prefix) => key.startsWith(prefix)))
    .map((kv) => ({ kv, tier: tiers.get(String(specOf(kv).tier ?? 'default')) ?? Number.MAX_VALUE }))
    .sort((a, b) => a.tier - b.tier || orderOf(a.kv, Number.MAX_VALUE) - orderOf(b.kv, Number.MAX_VALUE));
  const places = new Map(policies.map(({ kv }, index) => [kv.key, index + 1]));
  return ({ key }) => places.get(key) ?? 0;
}
