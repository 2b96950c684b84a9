// The next free address of a family: of this host's blocks, of a new block, of an abandoned block, of another host's block
// (Calico v3.33, libcalico-go/lib/ipam/ipam.go).
import { OcicatError } from '../base/errors.ts';
import { assignNext } from '../blocks/assign.ts';
import { type Block, createBlock } from '../blocks/block.ts';
import { blocksOf, createProbeOrder, probeIndexOf } from '../blocks/probe-order.ts';
import { hasRoom, reservedIn } from '../blocks/reservations.ts';
import { BLOCKS_PREFIX, tryParseKey } from '../datastore/keys.ts';
import { type Cidr, cidrCovers, cidrFamily, formatCidr, parseCidr } from '../net/cidr.ts';
import type { Family } from '../net/ip.ts';
import { type AssignContext, type Assigned, countAddress } from './assign-context.ts';
import {
  blockKey,
  isOwn,
  isReclaimable,
  keepBlock,
  openOwnBlock,
  ownBlocks,
  takeOver,
  tryReadBlock,
} from './own-block.ts';
import type { Pool } from './pool.ts';
import { choosePools, describePool } from './pool-choice.ts';

/** Blocks tried one by one before all are read at once. */
const EAGER_LOOKS = 4;

/** Takes the next address of the block, if it has one; everything that belongs to it is in the transaction then. */
async function takeFrom(context: AssignContext, block: Block): Promise<Assigned | undefined> {
  const outcome = assignNext(block, context.holder, reservedIn(block.cidr, context.reservations));
  if (outcome === undefined) return undefined;
  await keepBlock(context, outcome.block);
  await countAddress(context, formatCidr(block.cidr));
  return { ip: outcome.ip, prefixLength: block.cidr.prefixLength };
}

function blocksInside(cidrs: readonly string[], pools: readonly Pool[]): readonly Cidr[] {
  const ranges = cidrs.map(parseCidr);
  return ranges.filter((cidr) => pools.some((pool) => cidrCovers(pool.cidr, cidr)));
}

/** Without reading all of it: a host has many that are, and nothing of them cools down. */
function isFull(text: string | undefined): boolean {
  return text?.includes('"unallocated":[]') === true && !text.includes('"releasedAt":');
}

async function takeOwn(context: AssignContext, pools: readonly Pool[]): Promise<Assigned | undefined> {
  for (const cidr of blocksInside(ownBlocks(context), pools)) {
    if (isFull(await context.builder.prefetchKey(blockKey(formatCidr(cidr))))) continue;
    const block = await openOwnBlock(context, cidr);
    const assigned = block === undefined ? undefined : await takeFrom(context, block);
    if (assigned !== undefined) return assigned;
  }
  return undefined;
}

/** From the first block of the pools, in this host's order, that does not exist yet or is its own and has room. */
async function takeNew(context: AssignContext, pools: readonly Pool[]): Promise<Assigned | undefined> {
  const { builder, view, nowMs } = context;
  let looks = 0;
  for (const pool of pools) {
    for (const cidr of blocksOf(
      createProbeOrder(pool.cidr, pool.blockPrefixLength, view.nodeName),
      context.reservations,
    )) {
      if (looks++ === EAGER_LOOKS) await builder.prefetch(BLOCKS_PREFIX);
      const name = formatCidr(cidr);
      const text = await builder.prefetchKey(blockKey(name));
      const block = text === undefined ? createBlock(cidr, view.nodeName, nowMs) : tryReadBlock(context, name, text);
      const usable = block !== undefined && isOwn(view, block);
      const assigned = usable ? await takeFrom(context, block) : undefined;
      if (assigned !== undefined) return assigned;
    }
  }
  return undefined;
}

/** Existing blocks of the pools in this host's order. */
async function prefetchBlocks(context: AssignContext, pools: readonly Pool[]): Promise<readonly Block[]> {
  const texts = await context.builder.prefetch(BLOCKS_PREFIX);
  const cidrs = [...texts.keys()].flatMap((key) => {
    const named = tryParseKey(key);
    return named?.kind === 'block' ? [named.cidr] : [];
  });
  return pools.flatMap((pool) => {
    const order = createProbeOrder(pool.cidr, pool.blockPrefixLength, context.view.nodeName);
    const inside = blocksInside(cidrs, [pool]).filter((cidr) => cidr.prefixLength === pool.blockPrefixLength);
    const ordered = inside
      .map((cidr) => [probeIndexOf(order, cidr), cidr] as const)
      .sort(([a], [b]) => (a < b ? -1 : 1));
    return ordered.flatMap(([, cidr]) => {
      const name = formatCidr(cidr);
      return tryReadBlock(context, name, texts.get(blockKey(name)) ?? '') ?? [];
    });
  });
}

async function takeAbandoned(context: AssignContext, blocks: readonly Block[]): Promise<Assigned | undefined> {
  const usable = (block: Block) =>
    isReclaimable(block, context.nowMs) && hasRoom(block, reservedIn(block.cidr, context.reservations));
  const block = blocks.find(usable);
  return block === undefined ? undefined : takeFrom(context, await takeOver(context, block));
}

async function borrow(context: AssignContext, blocks: readonly Block[]): Promise<Assigned | undefined> {
  for (const block of blocks) {
    const assigned = await takeFrom(context, block);
    if (assigned !== undefined) return assigned;
  }
  return undefined;
}

function exhausted(context: AssignContext, family: Family, pools: readonly Pool[], capped: boolean): OcicatError {
  const { maxBlocksPerHost, strictAffinity, autoAllocateBlocks } = context.view.settings();
  const reasons = [
    `No IPs available in pools: ${pools.map(describePool).join(', ')}`,
    ...(capped ? [`limit of ${maxBlocksPerHost} blocks reached for this node`] : []),
    ...(autoAllocateBlocks ? [] : ['nodes may not claim blocks (auto_allocate_blocks is false)']),
    ...(strictAffinity ? ['blocks of other nodes may not be used (strict affinity)'] : []),
  ];
  return new OcicatError(
    'exhausted',
    `assign IPv${family} address to "${context.request.handleId}": ${reasons.join('; ')}`,
  );
}

/**
 * Own blocks, new ones, abandoned ones, other hosts'. The limit on a host's blocks and the ban on claiming end the
 * claiming, not the search: what strict affinity does not forbid is borrowed (Calico gives up; appendix A 5).
 */
export async function takeNext(context: AssignContext, family: Family): Promise<Assigned> {
  const { view, request } = context;
  const wanted = (family === 4 ? request.ipv4Pools : request.ipv6Pools) ?? [];
  const pools = choosePools(view, { family, use: request.use, pools: wanted, unmade: request.unmade });
  const { strictAffinity, autoAllocateBlocks, maxBlocksPerHost } = view.settings();
  const own = ownBlocks(context).filter((cidr) => cidrFamily(parseCidr(cidr)) === family);
  const capped = own.length >= maxBlocksPerHost;
  const mayClaim = autoAllocateBlocks && !capped;
  let assigned = (await takeOwn(context, pools)) ?? (mayClaim ? await takeNew(context, pools) : undefined);
  if (assigned !== undefined) return assigned;
  const blocks = await prefetchBlocks(context, pools);
  assigned = mayClaim ? await takeAbandoned(context, blocks) : undefined;
  assigned ??= strictAffinity ? undefined : await borrow(context, blocks);
  if (assigned !== undefined) return assigned;
  throw exhausted(context, family, pools, capped);
}
