// Giving blocks back: a host that goes, or a pool that goes.
import { isOcicatError } from '../base/errors.ts';
import { affinityOf, isEmpty } from '../blocks/block.ts';
import { parseBlock, printBlock } from '../blocks/block-json.ts';
import { AFFINITIES_PREFIX, BLOCKS_PREFIX, printAffinityPrefix, tryParseKey } from '../datastore/keys.ts';
import type { Datastore } from '../datastore/port.ts';
import { type Cidr, cidrCovers, parseCidr } from '../net/cidr.ts';
import { commitTransaction, NO_CACHE, type StoreCache } from './commit.ts';
import { affinityKey, blockKey, tryParseOwner } from './own-block.ts';
import type { TransactionBuilder } from './transaction-builder.ts';

interface HostBlock {
  readonly host: string;
  readonly cidr: string;
}

/** Which blocks lose their owner: of one host or of all, inside a range or anywhere. */
export interface ReleaseScope {
  readonly host?: string;
  readonly within?: Cidr;
}

/** The record goes; the block stays without an owner as long as somebody holds an address of it. */
export async function buildRelease(
  builder: TransactionBuilder,
  { host, cidr }: HostBlock,
  onlyEmpty: boolean,
): Promise<boolean> {
  const recordKey = affinityKey({ kind: 'host', name: host }, cidr);
  const record = await builder.get(recordKey);
  const text = await builder.get(blockKey(cidr));
  const block = text === undefined ? undefined : parseBlock(text);
  if (onlyEmpty && block !== undefined && !isEmpty(block)) return false;
  if (record !== undefined) builder.delete(recordKey);
  if (block === undefined || block.affinity !== affinityOf(host)) return record !== undefined;
  const sequenceNumber = block.sequenceNumber + 1n;
  const unowned = { ...block, affinity: undefined, affinityClaimTime: undefined, sequenceNumber };
  if (isEmpty(block)) builder.delete(blockKey(cidr));
  else builder.put(blockKey(cidr), printBlock(unowned));
  return true;
}

function isInside({ host, within }: ReleaseScope, one: HostBlock): boolean {
  return (host === undefined || host === one.host) && (within === undefined || cidrCovers(within, parseCidr(one.cidr)));
}

/** By the records of hosts. */
async function listRecords(datastore: Datastore, host: string | undefined, signal: AbortSignal) {
  const prefix = host === undefined ? AFFINITIES_PREFIX : printAffinityPrefix({ kind: 'host', name: host });
  const { kvs } = await datastore.list(prefix, { keysOnly: true }, signal);
  return kvs.flatMap(({ key }): readonly HostBlock[] => {
    const named = tryParseKey(key);
    return named?.kind === 'affinity' ? [{ host: named.owner.name, cidr: named.cidr }] : [];
  });
}

/** The host that a block names as its owner; undefined where there is none, or the block cannot be read. */
function tryOwnerOf(text: string): string | undefined {
  try {
    const owner = tryParseOwner(parseBlock(text).affinity ?? '');
    return owner?.kind === 'host' ? owner.name : undefined;
  } catch (error) {
    if (isOcicatError(error)) return undefined;
    throw error;
  }
}

/** By the blocks themselves: a claim or release that was stopped leaves the one without the other. */
async function listOwned(datastore: Datastore, signal: AbortSignal): Promise<readonly HostBlock[]> {
  const { kvs } = await datastore.list(BLOCKS_PREFIX, {}, signal);
  return kvs.flatMap(({ key, value }): readonly HostBlock[] => {
    const [named, host] = [tryParseKey(key), tryOwnerOf(value)];
    return named?.kind === 'block' && host !== undefined ? [{ host, cidr: named.cidr }] : [];
  });
}

async function listHostBlocks(
  datastore: Datastore,
  scope: ReleaseScope,
  signal: AbortSignal,
): Promise<readonly HostBlock[]> {
  const records = await listRecords(datastore, scope.host, signal);
  const known = new Set(records.map(({ host, cidr }) => `${host} ${cidr}`));
  const owned = (await listOwned(datastore, signal)).filter(({ host, cidr }) => !known.has(`${host} ${cidr}`));
  return [...records, ...owned].filter((one) => isInside(scope, one));
}

/** Returns the ranges that lost their owner, in text. One commit each: a stop half-way leaves whole blocks. */
export async function releaseAffinities(
  datastore: Datastore,
  scope: ReleaseScope,
  signal: AbortSignal,
  cache: StoreCache = NO_CACHE,
): Promise<readonly string[]> {
  const released: string[] = [];
  for (const one of await listHostBlocks(datastore, scope, signal)) {
    const { result } = await commitTransaction(
      datastore,
      cache,
      (builder) => buildRelease(builder, one, false),
      signal,
    );
    if (result) released.push(one.cidr);
  }
  return released;
}
