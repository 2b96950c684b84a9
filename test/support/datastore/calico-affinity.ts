// Calico's claim and release of a block, each of which is several writes of one key (Calico v3.33,
// libcalico-go/lib/ipam/ipam_block_reader_writer.go): between any two of them others may write, or the program may die.
import { affinityOf, createBlock, isEmpty } from '../../../src/blocks/block.ts';
import { parseBlock, printBlock } from '../../../src/blocks/block-json.ts';
import type { Datastore, KeyValue, Write } from '../../../src/datastore/port.ts';
import { type AffinityState, printAffinity } from '../../../src/ipam/affinity.ts';
import { affinityKey, blockKey } from '../../../src/ipam/own-block.ts';
import { parseCidr } from '../../../src/net/cidr.ts';

export interface BlockOfHost {
  readonly host: string;
  readonly cidr: string;
}

/** What came of it; `overtaken`: somebody else has written in between, and Calico would begin again. */
export type CalicoOutcome = 'done' | 'overtaken' | 'not empty' | 'not there';

/** One key, if it is as it was; the revision of the write, or undefined when it is not. */
async function swap(store: Datastore, write: Write, modRevision: number): Promise<number | undefined> {
  const outcome = await store.commit({ conditions: [{ key: write.key, modRevision }], writes: [write] });
  return outcome.kind === 'committed' ? outcome.revision : undefined;
}

const put = (key: string, value: string): Write => ({ kind: 'put', key, value });
const keysOf = ({ host, cidr }: BlockOfHost) => ({
  record: affinityKey({ kind: 'host', name: host }, cidr),
  block: blockKey(cidr),
});

function setState(store: Datastore, of: BlockOfHost, state: AffinityState, modRevision: number) {
  return swap(store, put(keysOf(of).record, printAffinity(state)), modRevision);
}

export async function claimAsCalico(store: Datastore, of: BlockOfHost, nowMs: number): Promise<CalicoOutcome> {
  const keys = keysOf(of);
  const pending = await setState(store, of, 'pending', 0);
  if (pending === undefined) return 'overtaken';
  const block = createBlock(parseCidr(of.cidr), of.host, nowMs);
  if ((await swap(store, put(keys.block, printBlock(block)), 0)) === undefined) {
    const { kv } = await store.get(keys.block);
    const isOwn = kv !== undefined && parseBlock(kv.value).affinity === affinityOf(of.host);
    if (!isOwn) {
      await swap(store, { kind: 'delete', key: keys.record }, pending);
      return 'overtaken';
    }
  }
  return (await setState(store, of, 'confirmed', pending)) === undefined ? 'overtaken' : 'done';
}

function withoutOwner({ value }: KeyValue, key: string): Write {
  const block = parseBlock(value);
  if (isEmpty(block)) return { kind: 'delete', key };
  const sequenceNumber = block.sequenceNumber + 1n;
  return put(key, printBlock({ ...block, affinity: undefined, affinityClaimTime: undefined, sequenceNumber }));
}

export async function releaseAsCalico(
  store: Datastore,
  of: BlockOfHost,
  { onlyEmpty }: { readonly onlyEmpty: boolean },
): Promise<CalicoOutcome> {
  const keys = keysOf(of);
  const record = (await store.get(keys.record)).kv;
  const block = (await store.get(keys.block)).kv;
  if (record === undefined || block === undefined) return 'not there';
  const { affinity } = parseBlock(block.value);
  if (affinity !== undefined && affinity !== affinityOf(of.host)) {
    await swap(store, { kind: 'delete', key: keys.record }, record.modRevision);
    return 'overtaken';
  }
  if (onlyEmpty && !isEmpty(parseBlock(block.value))) return 'not empty';
  const leaving = await setState(store, of, 'pendingDeletion', record.modRevision);
  if (leaving === undefined) return 'overtaken';
  if ((await swap(store, withoutOwner(block, keys.block), block.modRevision)) === undefined) return 'overtaken';
  return (await swap(store, { kind: 'delete', key: keys.record }, leaving)) === undefined ? 'overtaken' : 'done';
}
