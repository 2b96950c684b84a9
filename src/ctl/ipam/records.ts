// What the store records about addresses, all of it as it was at one revision: blocks, who prefers them, and handles.
import { formatIssue, isOcicatError } from '../../base/errors.ts';
import type { Block } from '../../blocks/block.ts';
import { type BlockOwner, IPAM_PREFIX, tryParseKey } from '../../datastore/keys.ts';
import type { Datastore, KeyValue, Revision } from '../../datastore/port.ts';
import { type Handle, parseHandle } from '../../ipam/handle.ts';
import { readBlock } from './read.ts';

/** The record, beside a block, that somebody prefers it. */
interface AffinityRecord {
  readonly owner: BlockOwner;
  readonly cidr: string;
}

interface HandleRecord {
  /** How many addresses it counts in which block; undefined when it cannot be read. */
  readonly counts: Handle | undefined;
  readonly modRevision: Revision;
}

export interface IpamRecords {
  readonly blocks: readonly Block[];
  readonly affinities: readonly AffinityRecord[];
  readonly handles: ReadonlyMap<string, HandleRecord>;
  /** Handles that cannot be read, in words. */
  readonly problems: readonly string[];
  readonly revision: Revision;
}

/** The store as it was at a revision. What is not listed is read as it is now. */
export function atRevision(datastore: Datastore, revision: Revision): Datastore {
  return { ...datastore, list: (prefix, options, signal) => datastore.list(prefix, { ...options, revision }, signal) };
}

function readHandle(handleId: string, kv: KeyValue, problems: string[]): HandleRecord {
  const { modRevision } = kv;
  try {
    return { counts: parseHandle(kv.value), modRevision };
  } catch (error) {
    if (!isOcicatError(error)) throw error;
    problems.push(`handle "${handleId}": ${error.issues.map(formatIssue).join('; ') || error.message}`);
    return { counts: undefined, modRevision };
  }
}

/** Throws `corrupt` for a block that cannot be read: its addresses would look free. */
export async function readIpamRecords(datastore: Datastore, signal: AbortSignal): Promise<IpamRecords> {
  const { kvs, revision } = await datastore.list(IPAM_PREFIX, {}, signal);
  const blocks: Block[] = [];
  const affinities: AffinityRecord[] = [];
  const handles = new Map<string, HandleRecord>();
  const problems: string[] = [];
  for (const kv of kvs) {
    const named = tryParseKey(kv.key);
    if (named?.kind === 'block') blocks.push(readBlock(kv.key, kv.value));
    if (named?.kind === 'affinity') affinities.push(named);
    if (named?.kind === 'handle') handles.set(named.handleId, readHandle(named.handleId, kv, problems));
  }
  return { blocks, affinities, handles, problems, revision };
}
