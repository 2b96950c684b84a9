// Addresses of a machine's own store in a cluster: whole blocks where the cluster has none there, else address by address.
import { sameContent } from '../../base/equal.ts';
import { tryParseJson } from '../../base/json.ts';
import { assignExact } from '../../blocks/assign.ts';
import { attributeAt, type Block, heldOrdinals, ipAt } from '../../blocks/block.ts';
import { printBlock } from '../../blocks/block-json.ts';
import { printKey, type StoreKey } from '../../datastore/keys.ts';
import type { KeyValue } from '../../datastore/port.ts';
import { parseIpamSettings } from '../../ipam/settings.ts';
import { formatIp } from '../../net/ip.ts';
import { readBlock } from '../ipam/read.ts';
import { conflict, KNOWN, type Planned, type StoreContent, writeOf } from './step.ts';

/** The cluster's block with our addresses in it too, and those of them that others have. */
interface Merged {
  readonly block: Block;
  readonly taken: readonly string[];
}

function mergeBlocks(theirs: Block, ours: Block): Merged {
  let block = theirs;
  const taken: string[] = [];
  for (const ordinal of heldOrdinals(ours)) {
    const holder = attributeAt(ours, ordinal) ?? {};
    const outcome = assignExact(block, ipAt(ours, ordinal), holder);
    if (outcome.kind === 'assigned') block = outcome.block;
    else if (outcome.kind === 'outside' || outcome.holder.handleId !== holder.handleId)
      taken.push(`address ${formatIp(ipAt(ours, ordinal))} of "${holder.handleId}" is somebody else's in the cluster`);
  }
  return { block, taken };
}

function isStrict(cluster: StoreContent): boolean {
  return parseIpamSettings(cluster.get(printKey({ kind: 'ipam-config' }))?.value).strictAffinity;
}

function planBlock(kv: KeyValue, cidr: string, cluster: StoreContent): Planned {
  const standing = cluster.get(kv.key);
  if (standing === undefined) return writeOf(kv, undefined);
  const [theirs, ours] = [readBlock(standing.key, standing.value), readBlock(kv.key, kv.value)];
  const { block, taken } = mergeBlocks(theirs, ours);
  if (taken.length > 0) return conflict(...taken);
  if (block === theirs) return KNOWN;
  if (isStrict(cluster) && theirs.affinity !== ours.affinity)
    return conflict(`block ${cidr} is ${theirs.affinity ?? 'nobody'}'s in the cluster, where affinity is strict`);
  return writeOf({ key: kv.key, value: printBlock(block) }, standing);
}

/** A host has a block as long as the block says so. */
function planAffinity(kv: KeyValue, cidr: string, own: StoreContent, cluster: StoreContent): Planned {
  const key = printKey({ kind: 'block', cidr });
  const [ours, theirs] = [own.get(key), cluster.get(key)];
  if (cluster.has(kv.key)) return KNOWN;
  if (ours === undefined || theirs === undefined) return writeOf(kv, undefined);
  const isOurs = readBlock(key, theirs.value).affinity === readBlock(key, ours.value).affinity;
  return isOurs ? writeOf(kv, undefined) : KNOWN;
}

function isSame(a: KeyValue, b: KeyValue): boolean {
  if (a.value === b.value) return true;
  const [ours, theirs] = [tryParseJson(a.value), tryParseJson(b.value)];
  return ours !== undefined && theirs !== undefined && sameContent(ours, theirs);
}

/** Handles, settings, and what this program does not know. */
function planPlain(kv: KeyValue, cluster: StoreContent): Planned {
  const standing = cluster.get(kv.key);
  if (standing === undefined) return writeOf(kv, undefined);
  return isSame(kv, standing) ? KNOWN : conflict(`"${kv.key}" is another one in the cluster`);
}

export function planAddressKey(
  kv: KeyValue,
  named: StoreKey | undefined,
  own: StoreContent,
  cluster: StoreContent,
): Planned {
  if (named?.kind === 'block') return planBlock(kv, named.cidr, cluster);
  if (named?.kind === 'affinity') return planAffinity(kv, named.cidr, own, cluster);
  return planPlain(kv, cluster);
}
