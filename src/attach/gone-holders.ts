// Addresses of containers whose interfaces others make, and which therefore have no endpoint. With each stands the start of the
// kernel that it was taken in and the container's network namespace: no container outlives either, so that what is gone is known
// to be gone, and gives its address back.
import { attributeAt, type Block, blockCidrOf, heldOrdinals } from '../blocks/block.ts';
import { parseBlock } from '../blocks/block-json.ts';
import { requestsFor } from '../ipam/host-release.ts';
import { blockKey } from '../ipam/own-block.ts';
import { buildReleaseIn, type ReleaseContext } from '../ipam/release.ts';
import type { TransactionBuilder } from '../ipam/transaction-builder.ts';
import { cidrContains, formatCidr } from '../net/cidr.ts';
import { formatIp, type Ip } from '../net/ip.ts';
import type { AttachContext } from './context.ts';
import { commit, type OperationContext } from './operation.ts';

export type Attributes = Readonly<Record<string, string>>;

/** What is noted with an address, besides whose it is. Without a start of the kernel the namespace would say nothing. */
export function lifeOf({ boot, links }: AttachContext, netnsFd: number | undefined): Attributes {
  if (boot === '') return {};
  const netns = netnsFd === undefined ? undefined : links.identifyNetns?.(netnsFd);
  return { boot, ...(netns === undefined ? {} : { netns }) };
}

/** Whether an address was taken in another life of the container than this one. What is not noted is of this one. */
export function isOfOtherLife({ boot, netns }: Attributes, life: Attributes): boolean {
  return (boot ?? life.boot) !== life.boot || (netns ?? life.netns) !== life.netns;
}

export function releaseContextOf(context: AttachContext, builder: TransactionBuilder): ReleaseContext {
  return { builder, nowMs: context.now(), cooldownSeconds: context.cache.ipam.cooldownSeconds() };
}

function holdersIn(block: Block): readonly Attributes[] {
  return heldOrdinals(block).map((ordinal) => attributeAt(block, ordinal)?.secondary ?? {});
}

/** A test for attributes of the block's addresses: whether their container, one of this node, is gone. */
function findGone({ nodeName, boot, links }: AttachContext, block: Block): (attributes: Attributes) => boolean {
  if (boot === '') return () => false;
  const own = holdersIn(block).filter((one) => one.node === nodeName && one.boot === boot);
  const gone = links.findGoneNetns?.(own.flatMap(({ netns }) => netns ?? []));
  return (one) => {
    if (one.node !== nodeName || one.boot === undefined) return false;
    return one.boot !== boot || (one.netns !== undefined && gone?.has(one.netns) === true);
  };
}

/** Only while the node's name is this host's: another may have it, and live containers by it. */
async function buildReleaseOfGone(
  context: AttachContext,
  builder: TransactionBuilder,
  cidr: string,
  isMeant: (ip: Ip) => boolean,
): Promise<readonly Ip[]> {
  const text = await builder.get(blockKey(cidr));
  if (text === undefined) return [];
  const block = parseBlock(text);
  const isGone = findGone(context, block);
  const requests = requestsFor(block, ({ secondary = {} }, ip) => isMeant(ip) && isGone(secondary));
  if (requests.length === 0) return [];
  await context.nodeLease.require(builder);
  return (await buildReleaseIn(releaseContextOf(context, builder), cidr, requests)).map(({ ip }) => ip);
}

/** Gives back, of the addresses that are asked for, those of containers that are gone. */
export async function buildReleaseOfWanted(
  context: AttachContext,
  builder: TransactionBuilder,
  wanted: readonly Ip[],
): Promise<void> {
  for (const ip of wanted) {
    const pool = context.cache.ipam.pools().find(({ cidr }) => cidrContains(cidr, ip));
    if (pool === undefined) continue;
    const cidr = formatCidr(blockCidrOf(ip, pool.blockPrefixLength));
    await buildReleaseOfGone(context, builder, cidr, (one) => one === ip);
  }
}

/** Gives back all addresses of containers of this node that are gone. Returns how many. */
export async function releaseGone(operation: OperationContext): Promise<number> {
  const { context } = operation;
  let count = 0;
  for (const cidr of context.cache.ipam.blocksHeldForOthers()) {
    const { result } = await commit(operation, (builder) => buildReleaseOfGone(context, builder, cidr, () => true));
    if (result.length === 0) continue;
    count += result.length;
    context.log.info(`addresses ${result.map(formatIp).join(', ')}: their containers are gone; they are free`);
  }
  return count;
}
