// Addresses of containers of other main plugins, which have no endpoint: with each stands the start of the kernel that it was
// taken in, and no container outlives its kernel.
import { attributeAt, blockCidrOf, tryOrdinalOf } from '../blocks/block.ts';
import { parseBlock } from '../blocks/block-json.ts';
import { blockKey } from '../ipam/own-block.ts';
import { buildReleaseIn, type ReleaseContext } from '../ipam/release.ts';
import type { TransactionBuilder } from '../ipam/transaction-builder.ts';
import { cidrContains, formatCidr } from '../net/cidr.ts';
import type { Ip } from '../net/ip.ts';
import type { AttachContext } from './context.ts';

type Attributes = Readonly<Record<string, string>>;

/** What is noted with an address, besides whose it is. */
export function bootAttributes({ boot }: AttachContext): Attributes {
  return boot === '' ? {} : { boot };
}

/** Whether an address was taken by this node before its kernel was started. */
function isOfBefore(context: AttachContext, { node, boot }: Attributes): boolean {
  return node === context.nodeName && boot !== undefined && context.boot !== '' && boot !== context.boot;
}

async function buildOne(context: AttachContext, release: ReleaseContext, ip: Ip): Promise<void> {
  const pool = context.cache.ipam.pools().find(({ cidr }) => cidrContains(cidr, ip));
  if (pool === undefined) return;
  const cidr = formatCidr(blockCidrOf(ip, pool.blockPrefixLength));
  const text = await release.builder.get(blockKey(cidr));
  const block = text === undefined ? undefined : parseBlock(text);
  const ordinal = block === undefined ? undefined : tryOrdinalOf(block, ip);
  const holder = block === undefined || ordinal === undefined ? undefined : attributeAt(block, ordinal);
  if (holder === undefined || !isOfBefore(context, holder.secondary ?? {})) return;
  await context.nodeLease.require(release.builder);
  await buildReleaseIn(release, cidr, [{ ip, handleId: holder.handleId }]);
}

/** Gives back, of the addresses that are asked for, those that containers of before the last start of the kernel hold. */
export async function buildReleaseOfBefore(
  context: AttachContext,
  builder: TransactionBuilder,
  wanted: readonly Ip[],
): Promise<void> {
  const release = { builder, nowMs: context.now(), cooldownSeconds: context.cache.ipam.cooldownSeconds() };
  for (const ip of wanted) await buildOne(context, release, ip);
}
