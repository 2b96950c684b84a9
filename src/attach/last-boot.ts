// Addresses of containers of other main plugins, which have no endpoint: with each stands the start of the kernel that it was
// taken in, and no container outlives its kernel.
import { attributeAt, blockCidrOf, tryOrdinalOf } from '../blocks/block.ts';
import { parseBlock } from '../blocks/block-json.ts';
import type { Draft } from '../ipam/draft.ts';
import { blockKey } from '../ipam/own-block.ts';
import { draftReleaseIn, type ReleaseAround } from '../ipam/release.ts';
import { cidrContains, formatCidr } from '../net/cidr.ts';
import type { Ip } from '../net/ip.ts';
import type { CniTask } from './task.ts';

type Words = Readonly<Record<string, string>>;

/** What is noted with an address, besides whose it is. */
export function bootWords({ context }: CniTask): Words {
  return context.boot === '' ? {} : { boot: context.boot };
}

/** Whether an address was taken by this node before its kernel was started. */
function isOfBefore({ context }: CniTask, { node, boot }: Words): boolean {
  return node === context.nodeName && boot !== undefined && context.boot !== '' && boot !== context.boot;
}

async function draftOne(task: CniTask, around: ReleaseAround, ip: Ip): Promise<void> {
  const pool = task.context.memory.ipam.pools().find(({ cidr }) => cidrContains(cidr, ip));
  if (pool === undefined) return;
  const cidr = formatCidr(blockCidrOf(ip, pool.blockPrefixLength));
  const text = await around.draft.get(blockKey(cidr));
  const block = text === undefined ? undefined : parseBlock(text);
  const ordinal = block === undefined ? undefined : tryOrdinalOf(block, ip);
  const holder = block === undefined || ordinal === undefined ? undefined : attributeAt(block, ordinal);
  if (holder === undefined || !isOfBefore(task, holder.secondary ?? {})) return;
  await task.context.nodeLease.require(around.draft);
  await draftReleaseIn(around, cidr, [{ ip, handleId: holder.handleId }]);
}

/** Gives back, of the addresses that are asked for, those that containers of before the last start of the kernel hold. */
export async function draftReleaseOfBefore(task: CniTask, draft: Draft): Promise<void> {
  const { context, request } = task;
  const around = { draft, nowMs: context.now(), cooldownSeconds: context.memory.ipam.cooldownSeconds() };
  for (const ip of request.config.wishes.addresses) await draftOne(task, around, ip);
}
