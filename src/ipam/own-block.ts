// Blocks and affinities of this host inside a transaction: which block it may take from, and how it comes to have one.
import { isOcicatError, OcicatError } from '../base/errors.ts';
import { affinityOf, type Block, createBlock, isEmpty, printTime } from '../blocks/block.ts';
import { parseBlock, printBlock } from '../blocks/block-json.ts';
import { collectCooled } from '../blocks/release.ts';
import { type BlockOwner, printAffinityPrefix, printKey, tryParseKey } from '../datastore/keys.ts';
import { type Cidr, formatCidr } from '../net/cidr.ts';
import { parseAffinity, printAffinity } from './affinity.ts';
import type { TransactionBuilder } from './transaction-builder.ts';
import type { IpamView } from './view.ts';

/** Calico leaves an empty block to its owner for this long after it was claimed. */
const RECLAIM_AGE_MS = 60_000;

export function blockKey(cidr: string): string {
  return printKey({ kind: 'block', cidr });
}

export function affinityKey(owner: BlockOwner, cidr: string): string {
  return printKey({ kind: 'affinity', owner, cidr });
}

/** `host:NAME` or `virtual:NAME`; undefined for a text that is neither. */
export function tryParseOwner(affinity: string): BlockOwner | undefined {
  const match = /^(host|virtual):([^/]+)$/.exec(affinity);
  const [, kind, name] = match ?? [];
  return (kind === 'host' || kind === 'virtual') && name !== undefined ? { kind, name } : undefined;
}

export interface IpamContext {
  readonly view: IpamView;
  readonly builder: TransactionBuilder;
  readonly nowMs: number;
  /** Called with blocks that cannot be understood; they are left alone. */
  readonly report?: (error: OcicatError) => void;
}

/** A block as it would be now: addresses that have cooled down are free. undefined, and reported, when it is corrupt. */
export function tryReadBlock({ view, nowMs, report }: IpamContext, cidr: string, text: string): Block | undefined {
  try {
    return collectCooled(parseBlock(text), { nowMs, cooldownSeconds: view.cooldownSeconds() });
  } catch (cause) {
    if (!isOcicatError(cause, 'corrupt')) throw cause;
    report?.(new OcicatError('corrupt', `read block "${cidr}": it cannot be used`, { cause, issues: cause.issues }));
    return undefined;
  }
}

export function isOwn(view: IpamView, block: Block): boolean {
  return block.affinity === affinityOf(view.nodeName);
}

/** Of this host, in text, in order: those that the store has, and those that the transaction claims. */
export function ownBlocks({ view, builder }: IpamContext): readonly string[] {
  const drafted = builder.putsUnder(printAffinityPrefix({ kind: 'host', name: view.nodeName }));
  if (drafted.size === 0) return view.ownBlocks();
  const cidrs = [...drafted.keys()].flatMap((key) => {
    const named = tryParseKey(key);
    return named?.kind === 'affinity' ? [named.cidr] : [];
  });
  return [...new Set([...view.ownBlocks(), ...cidrs])].sort();
}

/** Makes the affinity record say `confirmed`, whatever a stopped claim or release has left there. */
async function confirmAffinity({ view, builder }: IpamContext, cidr: string): Promise<void> {
  const key = affinityKey({ kind: 'host', name: view.nodeName }, cidr);
  const record = await builder.get(key);
  if (record === undefined || parseAffinity(record) !== 'confirmed') builder.put(key, printAffinity('confirmed'));
}

/**
 * The block of an affinity of this host, ready to be taken from: created anew if it is missing. undefined when it belongs
 * to somebody else: the affinity is stale then and goes with the transaction. undefined too when it is corrupt.
 */
export async function openOwnBlock(context: IpamContext, cidr: Cidr): Promise<Block | undefined> {
  const { view, builder, nowMs } = context;
  const name = formatCidr(cidr);
  const text = await builder.prefetchKey(blockKey(name));
  const block = text === undefined ? createBlock(cidr, view.nodeName, nowMs) : tryReadBlock(context, name, text);
  if (block === undefined || isOwn(view, block)) return block;
  await builder.get(blockKey(name)); // it may be taken over meanwhile
  const key = affinityKey({ kind: 'host', name: view.nodeName }, name);
  if ((await builder.get(key)) !== undefined) builder.delete(key);
  return undefined;
}

/** Whether anybody may take the block over: it is empty, and has no owner or a host that has not just claimed it. */
export function isReclaimable(block: Block, nowMs: number): boolean {
  if (!isEmpty(block)) return false;
  if (block.affinity === undefined) return true;
  if (tryParseOwner(block.affinity)?.kind !== 'host') return false;
  const claimedMs = Date.parse(block.affinityClaimTime ?? '');
  return Number.isNaN(claimedMs) || nowMs - claimedMs >= RECLAIM_AGE_MS;
}

/** The block as this host's own; the former owner's record goes with the transaction. */
export async function takeOver({ view, builder, nowMs }: IpamContext, block: Block): Promise<Block> {
  const owner = block.affinity === undefined ? undefined : tryParseOwner(block.affinity);
  if (owner !== undefined) {
    const key = affinityKey(owner, formatCidr(block.cidr));
    if ((await builder.get(key)) !== undefined) builder.delete(key);
  }
  return { ...block, affinity: affinityOf(view.nodeName), affinityClaimTime: printTime(nowMs) };
}

/** Writes a block from which an address was taken, and the affinity that belongs to it if it is this host's. */
export async function keepBlock(context: IpamContext, block: Block): Promise<void> {
  const name = formatCidr(block.cidr);
  await context.builder.get(blockKey(name));
  context.builder.put(blockKey(name), printBlock(block));
  if (isOwn(context.view, block)) await confirmAffinity(context, name);
}
