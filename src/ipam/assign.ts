// Giving addresses to a holder, inside a draft: the ones it has already, a certain one, or the next free one
// of this host's blocks, of a new block, of an abandoned block, of another host's block (facts: calico §2.3–2.7).
import { OcicatError } from '../base/errors.ts';
import { assignExact, assignNext } from '../blocks/assign.ts';
import { type Attribute, type Block, blockCidrOf, createBlock } from '../blocks/block.ts';
import { parseBlock } from '../blocks/block-json.ts';
import { blocksOf, createWalk, placeOf } from '../blocks/choice.ts';
import { addressesOfHandle } from '../blocks/release.ts';
import { hasRoom, reservedIn } from '../blocks/reservations.ts';
import { BLOCKS_PREFIX, printKey, tryParseKey } from '../datastore/keys.ts';
import { type Cidr, cidrContains, cidrCovers, cidrFamily, formatCidr, parseCidr } from '../net/cidr.ts';
import { type Family, familyOf, formatIp, type Ip } from '../net/ip.ts';
import { countInHandle, parseHandle, printHandle } from './handle.ts';
import {
  blockKey,
  isOwn,
  isReclaimable,
  keepBlock,
  openOwnBlock,
  type Surroundings,
  takeOver,
  tryReadBlock,
} from './own-block.ts';
import type { Pool, PoolUse } from './pool.ts';
import { choosePools, describePool } from './pool-choice.ts';

export interface AssignRequest {
  /** Who holds the addresses; all of them are released by this name. */
  readonly handleId: string;
  /** Words kept with the addresses, such as `node` and `timestamp`. */
  readonly words: Readonly<Record<string, string>>;
  readonly use: PoolUse;
  /** One address of each. */
  readonly families: readonly Family[];
  /** This very address instead; `families` is not looked at. */
  readonly exact?: Ip | undefined;
  /** Ranges or names of pools; empty or absent: those that select this node. */
  readonly ipv4Pools?: readonly string[];
  readonly ipv6Pools?: readonly string[];
  /**
   * Which addresses that are already held under the handle count as this request's, given again instead of taking more.
   * Default: all of them.
   */
  readonly isSame?: (words: Readonly<Record<string, string>>) => boolean;
}

export interface Assigned {
  readonly ip: Ip;
  /** Prefix length of the block that it is from; 32 or 128 when it was asked for by itself. */
  readonly prefixLength: number;
}

/** Blocks tried one by one before all are read at once. */
const EAGER_LOOKS = 4;

const handleKey = (handleId: string) => printKey({ kind: 'handle', handleId });

/** What one assignment works with, so that each step has one argument more at most. */
interface Errand extends Surroundings {
  readonly request: AssignRequest;
  readonly holder: Attribute;
  readonly reservations: readonly Cidr[];
}

async function countAddress({ draft, request }: Errand, cidr: string): Promise<void> {
  const key = handleKey(request.handleId);
  draft.put(key, printHandle(countInHandle(parseHandle(await draft.getLikelyAbsent(key)), cidr, 1)));
}

/** Takes the next address of the block, if it has one; everything that belongs to it is in the draft then. */
async function takeFrom(errand: Errand, block: Block): Promise<Assigned | undefined> {
  const outcome = assignNext(block, errand.holder, reservedIn(block.cidr, errand.reservations));
  if (outcome === undefined) return undefined;
  await keepBlock(errand, outcome.block);
  await countAddress(errand, formatCidr(block.cidr));
  return { ip: outcome.ip, prefixLength: block.cidr.prefixLength };
}

function blocksInside(cidrs: readonly string[], pools: readonly Pool[]): readonly Cidr[] {
  const ranges = cidrs.map(parseCidr);
  return ranges.filter((cidr) => pools.some((pool) => cidrCovers(pool.cidr, cidr)));
}

async function takeOwn(errand: Errand, pools: readonly Pool[]): Promise<Assigned | undefined> {
  for (const cidr of blocksInside(errand.view.ownBlocks(), pools)) {
    const block = await openOwnBlock(errand, cidr);
    const assigned = block === undefined ? undefined : await takeFrom(errand, block);
    if (assigned !== undefined) return assigned;
  }
  return undefined;
}

/** From the first block of the pools, in this host's order, that does not exist yet or is its own and has room. */
async function takeNew(errand: Errand, pools: readonly Pool[]): Promise<Assigned | undefined> {
  const { draft, view, nowMs } = errand;
  let looks = 0;
  for (const pool of pools) {
    for (const cidr of blocksOf(createWalk(pool.cidr, pool.blockPrefixLength, view.nodeName), errand.reservations)) {
      if (looks++ === EAGER_LOOKS) await draft.survey(BLOCKS_PREFIX);
      const name = formatCidr(cidr);
      const text = await draft.peek(blockKey(name));
      const block = text === undefined ? createBlock(cidr, view.nodeName, nowMs) : tryReadBlock(errand, name, text);
      const usable = block !== undefined && isOwn(view, block);
      const assigned = usable ? await takeFrom(errand, block) : undefined;
      if (assigned !== undefined) return assigned;
    }
  }
  return undefined;
}

/** Existing blocks of the pools in this host's order. */
async function surveyBlocks(errand: Errand, pools: readonly Pool[]): Promise<readonly Block[]> {
  const found = await errand.draft.survey(BLOCKS_PREFIX);
  const cidrs = found.flatMap(({ key }) => {
    const named = tryParseKey(key);
    return named?.kind === 'block' ? [named.cidr] : [];
  });
  const texts = new Map(found.map((kv) => [kv.key, kv.value]));
  return pools.flatMap((pool) => {
    const walk = createWalk(pool.cidr, pool.blockPrefixLength, errand.view.nodeName);
    const inside = blocksInside(cidrs, [pool]).filter((cidr) => cidr.prefixLength === pool.blockPrefixLength);
    const ordered = inside.map((cidr) => [placeOf(walk, cidr), cidr] as const).sort(([a], [b]) => (a < b ? -1 : 1));
    return ordered.flatMap(([, cidr]) => {
      const name = formatCidr(cidr);
      return tryReadBlock(errand, name, texts.get(blockKey(name)) ?? '') ?? [];
    });
  });
}

async function takeAbandoned(errand: Errand, blocks: readonly Block[]): Promise<Assigned | undefined> {
  const usable = (block: Block) =>
    isReclaimable(block, errand.nowMs) && hasRoom(block, reservedIn(block.cidr, errand.reservations));
  const block = blocks.find(usable);
  return block === undefined ? undefined : takeFrom(errand, await takeOver(errand, block));
}

async function borrow(errand: Errand, blocks: readonly Block[]): Promise<Assigned | undefined> {
  for (const block of blocks) {
    const assigned = await takeFrom(errand, block);
    if (assigned !== undefined) return assigned;
  }
  return undefined;
}

function exhausted(errand: Errand, family: Family, pools: readonly Pool[], capped: boolean): OcicatError {
  const { maxBlocksPerHost, strictAffinity, autoAllocateBlocks } = errand.view.settings();
  const reasons = [
    `No IPs available in pools: ${pools.map(describePool).join(', ')}`,
    ...(capped ? [`limit of ${maxBlocksPerHost} blocks reached for this node`] : []),
    ...(autoAllocateBlocks ? [] : ['nodes may not claim blocks (auto_allocate_blocks is false)']),
    ...(strictAffinity ? ['blocks of other nodes may not be used (strict affinity)'] : []),
  ];
  return new OcicatError(
    'exhausted',
    `assign IPv${family} address to "${errand.request.handleId}": ${reasons.join('; ')}`,
  );
}

/**
 * Own blocks, new ones, abandoned ones, other hosts'. The limit on a host's blocks and the ban on claiming end the
 * claiming, not the search: what strict affinity does not forbid is borrowed (Calico gives up; appendix A 5).
 */
async function takeNext(errand: Errand, family: Family): Promise<Assigned> {
  const { view, request } = errand;
  const wanted = (family === 4 ? request.ipv4Pools : request.ipv6Pools) ?? [];
  const pools = choosePools(view, { family, use: request.use, pools: wanted });
  const { strictAffinity, autoAllocateBlocks, maxBlocksPerHost } = view.settings();
  const own = view.ownBlocks().filter((cidr) => cidrFamily(parseCidr(cidr)) === family);
  const capped = own.length >= maxBlocksPerHost;
  const mayClaim = autoAllocateBlocks && !capped;
  let assigned = (await takeOwn(errand, pools)) ?? (mayClaim ? await takeNew(errand, pools) : undefined);
  if (assigned !== undefined) return assigned;
  const blocks = await surveyBlocks(errand, pools);
  assigned = mayClaim ? await takeAbandoned(errand, blocks) : undefined;
  assigned ??= strictAffinity ? undefined : await borrow(errand, blocks);
  if (assigned !== undefined) return assigned;
  throw exhausted(errand, family, pools, capped);
}

function describeHolder(holder: Attribute): string {
  if (holder.releasedAt !== undefined) return `cooling down since ${holder.releasedAt}`;
  const node = holder.secondary?.node;
  return `held by "${holder.handleId ?? 'nobody known'}"${node === undefined ? '' : ` on node "${node}"`}`;
}

/** Throws `not-found` in no pool, `denied` in a pool for other uses. */
function poolOf({ view, request }: Errand, ip: Ip): Pool {
  const pool = view.pools().find((one) => one.enabled && cidrContains(one.cidr, ip));
  if (pool === undefined) {
    const usable = (one: Pool) => one.enabled && one.allowedUses.includes(request.use);
    const pools = view.pools().filter((one) => usable(one) && cidrFamily(one.cidr) === familyOf(ip));
    const known = pools.length === 0 ? 'none' : pools.map(describePool).join(', ');
    throw new OcicatError(
      'not-found',
      `assign address "${formatIp(ip)}": The provided IP address is not in a configured pool; there are ${known}`,
    );
  }
  if (pool.allowedUses.includes(request.use)) return pool;
  const uses = pool.allowedUses.join(' ');
  throw new OcicatError(
    'denied',
    `IP address ${formatIp(ip)} is in IP pool "${pool.name}", which is not allowed for use "${request.use}" (allowedUses: [${uses}])`,
  );
}

/** Reservations, node selectors and the limit on blocks do not matter: somebody asked for the address by name. */
async function takeExact(errand: Errand, ip: Ip): Promise<Assigned> {
  const { view, draft, nowMs } = errand;
  const cidr = blockCidrOf(ip, poolOf(errand, ip).blockPrefixLength);
  const name = formatCidr(cidr);
  const text = await draft.get(blockKey(name));
  const block = text === undefined ? createBlock(cidr, view.nodeName, nowMs) : tryReadBlock(errand, name, text);
  if (block === undefined)
    throw new OcicatError('corrupt', `assign address "${formatIp(ip)}": its block "${name}" cannot be understood`);
  if (view.settings().strictAffinity && block.affinity !== undefined && !isOwn(view, block))
    throw new OcicatError(
      'denied',
      `assign address "${formatIp(ip)}": its block is "${block.affinity}"'s and affinity is strict`,
    );
  const outcome = assignExact(block, ip, errand.holder);
  if (outcome.kind === 'taken')
    throw new OcicatError(
      'already-exists',
      `assign address "${formatIp(ip)}": already assigned, ${describeHolder(outcome.holder)}`,
    );
  if (outcome.kind === 'outside')
    throw new OcicatError('internal', `assign address "${formatIp(ip)}": not in its block`);
  await keepBlock(errand, outcome.block);
  await countAddress(errand, name);
  return { ip, prefixLength: familyOf(ip) === 4 ? 32 : 128 };
}

/** What the handle holds already and `isSame` accepts. */
async function findHeld({ draft, request }: Errand): Promise<readonly Assigned[]> {
  const handle = parseHandle(await draft.getLikelyAbsent(handleKey(request.handleId)));
  const held: Assigned[] = [];
  for (const cidr of handle.keys()) {
    const text = await draft.get(blockKey(cidr));
    if (text === undefined) continue;
    for (const { ip, holder } of addressesOfHandle(parseBlock(text), request.handleId))
      if (request.isSame?.(holder.secondary ?? {}) ?? true)
        held.push({ ip, prefixLength: parseCidr(cidr).prefixLength });
  }
  return held;
}

/**
 * One address of each family that is asked for, or the exact one; addresses that the handle holds already are given
 * again. The draft then has all that must be written, and nothing is assigned unless it is committed.
 * Throws `not-found`, `exhausted`, `already-exists`, `denied`, `invalid`.
 */
export async function draftAssignment(around: Surroundings, request: AssignRequest): Promise<readonly Assigned[]> {
  const holder: Attribute = { handleId: request.handleId, secondary: request.words };
  const errand: Errand = { ...around, request, holder, reservations: around.view.reservations() };
  const held = await findHeld(errand);
  if (request.exact !== undefined) {
    const { exact } = request;
    const again = held.find(({ ip }) => ip === exact);
    return [
      again === undefined
        ? await takeExact(errand, exact)
        : { ip: exact, prefixLength: familyOf(exact) === 4 ? 32 : 128 },
    ];
  }
  const assigned: Assigned[] = [];
  for (const family of request.families) {
    assigned.push(held.find(({ ip }) => familyOf(ip) === family) ?? (await takeNext(errand, family)));
  }
  return assigned;
}
