// Rules that a resource alone cannot break: they ask the store what else is there.
import { OcicatError } from '../../base/errors.ts';
import { BLOCKS_PREFIX, tryParseKey } from '../../datastore/keys.ts';
import type { Datastore } from '../../datastore/port.ts';
import { bgpFilter } from '../../model/bgp/bgp-filter.ts';
import type { BGPPeer } from '../../model/bgp/bgp-peer.ts';
import { type IPPool, ipPool, tryReadPoolRange } from '../../model/ipam/ip-pool.ts';
import { policyKinds } from '../../model/kinds.ts';
import type { Kind } from '../../model/meta/kind.ts';
import { formatResourceId, type Resource } from '../../model/meta/resource.ts';
import { defaultAllowProfile } from '../../model/policy/profile.ts';
import { tier } from '../../model/policy/tier.ts';
import { cidrCovers, cidrsOverlap, parseCidr } from '../../net/cidr.ts';
import type { Item } from '../manifest/manifest.ts';
import { fetchList } from '../store/stored.ts';

export type WriteAction = 'create' | 'apply' | 'replace';
/** Whatever changes a resource. */
export type ChangeAction = WriteAction | 'patch' | 'label';

/** What is in the store, read once for all items and only if an item needs it. */
interface StoreContext {
  readonly tiers: ReadonlySet<string>;
  readonly filters: ReadonlySet<string>;
  readonly pools: readonly IPPool[];
  /** Ranges of address blocks. */
  readonly blocks: readonly string[];
}

const policyNames: ReadonlySet<string> = new Set(policyKinds.map((kind) => kind.name));

function isPolicy(resource: Resource): resource is Resource<{ readonly tier: string }> {
  return policyNames.has(resource.kind);
}

function isPool(resource: Resource): resource is IPPool {
  return resource.kind === 'IPPool';
}

function isPeer(resource: Resource): resource is BGPPeer {
  return resource.kind === 'BGPPeer';
}

async function readNames(datastore: Datastore, kind: Kind, items: readonly Item[], signal: AbortSignal) {
  const { resources } = await fetchList(datastore, kind, undefined, signal);
  const written = items.filter((item) => item.kind.name === kind.name).map((item) => item.resource);
  return new Set([...resources, ...written].map((one) => one.metadata.name));
}

async function readBlocks(datastore: Datastore, signal: AbortSignal): Promise<readonly string[]> {
  const { kvs } = await datastore.list(BLOCKS_PREFIX, { keysOnly: true }, signal);
  return kvs.flatMap(({ key }) => {
    const parsed = tryParseKey(key);
    return parsed?.kind === 'block' ? [parsed.cidr] : [];
  });
}

async function readPools(datastore: Datastore, signal: AbortSignal): Promise<readonly IPPool[]> {
  const { resources } = await fetchList(datastore, ipPool, undefined, signal);
  return resources.filter(isPool);
}

async function readStoreContext(
  datastore: Datastore,
  items: readonly Item[],
  signal: AbortSignal,
): Promise<StoreContext> {
  const has = (holds: (resource: Resource) => boolean) => items.some((item) => holds(item.resource));
  const [tiers, filters, pools, blocks] = await Promise.all([
    has(isPolicy) ? readNames(datastore, tier, items, signal) : new Set<string>(),
    has(isPeer) ? readNames(datastore, bgpFilter, items, signal) : new Set<string>(),
    has(isPool) ? readPools(datastore, signal) : [],
    has(isPool) ? readBlocks(datastore, signal) : [],
  ]);
  return { tiers, filters, pools, blocks };
}

function refuse(message: string): OcicatError {
  return new OcicatError('invalid', message);
}

function checkPool(
  pool: IPPool,
  action: ChangeAction,
  context: StoreContext,
  others: readonly IPPool[],
): OcicatError | undefined {
  const id = formatResourceId(pool);
  const { cidr, blockSize } = pool.spec;
  const range = parseCidr(cidr);
  const standing = context.pools.find((one) => one.metadata.name === pool.metadata.name);
  if (standing !== undefined && action === 'create') return undefined; // it exists, says the store
  if (standing !== undefined && standing.spec.cidr !== cidr) {
    return refuse(`write ${id}: spec.cidr is "${cidr}", and it cannot be changed from "${standing.spec.cidr}"`);
  }
  if (standing?.spec.blockSize !== undefined && standing.spec.blockSize !== blockSize) {
    return refuse(
      `write ${id}: spec.blockSize is ${blockSize}, and it cannot be changed from ${standing.spec.blockSize}`,
    );
  }
  if (standing !== undefined) return undefined;
  const overlapping = others.find((one) => {
    const other = tryReadPoolRange(one.spec); // one that breaks the rules counts as long as its range can be read
    return other !== undefined && cidrsOverlap(other, range);
  });
  if (overlapping !== undefined) {
    const other = `${formatResourceId(overlapping)} (${overlapping.spec.cidr})`;
    return refuse(`write ${id}: spec.cidr "${cidr}" overlaps with ${other}`);
  }
  const odd = context.blocks
    .map(parseCidr)
    .find((block) => cidrCovers(range, block) && block.prefixLength !== blockSize);
  return odd === undefined
    ? undefined
    : refuse(`write ${id}: spec.blockSize is ${blockSize}, and blocks of /${odd.prefixLength} are in use in "${cidr}"`);
}

function checkItem(
  item: Item,
  action: ChangeAction,
  context: StoreContext,
  items: readonly Item[],
): OcicatError | undefined {
  const { kind, resource } = item;
  if (kind.readOnly) {
    return new OcicatError('unsupported', `operation ${action} is not supported on ${kind.name}: resource is readonly`);
  }
  if (kind.name === 'Profile' && resource.metadata.name === defaultAllowProfile.metadata.name) {
    return new OcicatError(
      'unsupported',
      `operation ${action} is not supported on ${formatResourceId(resource)}: it is built in`,
    );
  }
  if (isPolicy(resource) && !context.tiers.has(resource.spec.tier)) {
    return new OcicatError('not-found', `resource does not exist: Tier(${resource.spec.tier})`);
  }
  if (isPeer(resource)) {
    const missing = (resource.spec.filters ?? []).filter((name) => !context.filters.has(name));
    if (missing.length > 0)
      return refuse(`write ${formatResourceId(resource)}: BGPFilter(s) not found: ${missing.join(', ')}`);
  }
  if (!isPool(resource)) return undefined;
  const others = [...context.pools, ...items.map((one) => one.resource).filter(isPool)];
  return checkPool(
    resource,
    action,
    context,
    others.filter((one) => one.metadata.name !== resource.metadata.name),
  );
}

/** Why each item may not be written, at its index; undefined where it may. */
export async function checkAgainstStore(
  datastore: Datastore,
  items: readonly Item[],
  action: ChangeAction,
  signal: AbortSignal,
): Promise<readonly (OcicatError | undefined)[]> {
  const context = await readStoreContext(datastore, items, signal);
  return items.map((item) => checkItem(item, action, context, items));
}
