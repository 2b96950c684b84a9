// Taking addresses back, inside a transaction: all of a handle's, or certain ones (Calico v3.33,
// libcalico-go/lib/ipam/ipam_block.go).
import { OcicatError } from '../base/errors.ts';
import { type Block, isEmpty } from '../blocks/block.ts';
import { parseBlock, printBlock } from '../blocks/block-json.ts';
import { addressesOfHandle, type Released, type ReleaseRequest, releaseAddresses } from '../blocks/release.ts';
import { printKey } from '../datastore/keys.ts';
import { formatCidr } from '../net/cidr.ts';
import { formatIp, type Ip } from '../net/ip.ts';
import { countInHandle, parseHandle, printHandle } from './handle.ts';
import { blockKey } from './own-block.ts';
import type { TransactionBuilder } from './transaction-builder.ts';

export interface ReleaseContext {
  readonly builder: TransactionBuilder;
  readonly nowMs: number;
  readonly cooldownSeconds: number;
}

/** A block that nobody prefers and nobody uses is not kept. */
function writeBlock(builder: TransactionBuilder, block: Block): void {
  const key = blockKey(formatCidr(block.cidr));
  if (isEmpty(block) && block.affinity === undefined) builder.delete(key);
  else builder.put(key, printBlock(block));
}

async function uncount(builder: TransactionBuilder, handleId: string, cidr: string, count: number): Promise<void> {
  const key = printKey({ kind: 'handle', handleId });
  const text = await builder.get(key);
  if (text === undefined) return;
  const handle = countInHandle(parseHandle(text), cidr, -count);
  if (handle.size === 0) builder.delete(key);
  else builder.put(key, printHandle(handle));
}

/** Addresses of one block; every handle that held one is counted down. Throws `conflict` when a precondition does not hold. */
export async function buildReleaseIn(
  context: ReleaseContext,
  cidr: string,
  requests: readonly ReleaseRequest[],
): Promise<readonly Released[]> {
  const text = await context.builder.get(blockKey(cidr));
  if (text === undefined) return [];
  const outcome = releaseAddresses(parseBlock(text), requests, context);
  if (outcome.kind === 'conflict')
    throw new OcicatError('conflict', `release address "${formatIp(outcome.ip)}": ${outcome.reason}`);
  if (outcome.released.length === 0) return [];
  writeBlock(context.builder, outcome.block);
  for (const [handleId, held] of Map.groupBy(outcome.released, ({ holder }) => holder.handleId))
    if (handleId !== undefined) await uncount(context.builder, handleId, cidr, held.length);
  return outcome.released;
}

/** All addresses held under the handle that `isMeant` accepts (default: all). A handle that is gone has none. */
export async function buildReleaseByHandle(
  context: ReleaseContext,
  handleId: string,
  isMeant: (attributes: Readonly<Record<string, string>>, ip: Ip) => boolean = () => true,
): Promise<readonly Released[]> {
  const { builder } = context;
  const key = printKey({ kind: 'handle', handleId });
  const text = await builder.get(key);
  const released: Released[] = [];
  for (const cidr of parseHandle(text).keys()) {
    const block = await builder.get(blockKey(cidr));
    const held = block === undefined ? [] : addressesOfHandle(parseBlock(block), handleId);
    // a count without addresses is what a stopped assignment of Calico leaves behind
    if (held.length === 0) await uncount(builder, handleId, cidr, Number.MAX_SAFE_INTEGER);
    const meant = held.filter(({ holder, ip }) => isMeant(holder.secondary ?? {}, ip));
    released.push(
      ...(await buildReleaseIn(
        context,
        cidr,
        meant.map(({ ip }) => ({ ip, handleId })),
      )),
    );
  }
  if (text !== undefined && parseHandle(text).size === 0) builder.delete(key);
  return released;
}
