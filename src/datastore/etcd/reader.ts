// Reads of single keys and of listings, each of which also says something about which store answers.
import { isOcicatError, OcicatError } from '../../base/errors.ts';
import type { KeyValue, Listing, ListOptions } from '../port.ts';
import type { Caller } from './caller.ts';
import type { ClusterIdentity } from './cluster-identity.ts';
import { decodeRange, encodeRange, RANGE, type RangeAnswer, type RangeQuery } from './messages.ts';
import { readPages } from './range.ts';

/** A listing that is compacted or meets another cluster between two pages begins again, this often. */
const LIST_ATTEMPTS = 3;

export interface Reader {
  range(action: string, query: RangeQuery, signal?: AbortSignal): Promise<RangeAnswer>;
  list(prefix: string, options?: ListOptions, signal?: AbortSignal): Promise<Listing>;
}

function witnessNewest(identity: ClusterIdentity, kvs: readonly KeyValue[]): void {
  const [first, ...others] = kvs;
  if (first === undefined) return;
  identity.witness(others.reduce((newest, kv) => (kv.modRevision > newest.modRevision ? kv : newest), first));
}

export function createReader(caller: Caller, identity: ClusterIdentity): Reader {
  async function range(action: string, query: RangeQuery, signal?: AbortSignal): Promise<RangeAnswer> {
    const floor = identity.floor();
    const message = await caller.call({ action, path: RANGE, message: encodeRange(query), repeatable: true }, signal);
    const answer = decodeRange(message);
    identity.see(answer.header, floor);
    return answer;
  }

  async function listOnce(prefix: string, options: ListOptions, signal?: AbortSignal): Promise<Listing | undefined> {
    const clusters = new Set<string>();
    const { kvs, revision } = await readPages(prefix, options, async (query) => {
      const answer = await range(`list "${prefix}"`, query, signal);
      clusters.add(identity.name());
      return answer;
    });
    if (clusters.size > 1) return undefined;
    if (options.keysOnly !== true) witnessNewest(identity, kvs);
    return { kvs, revision, cluster: identity.name() };
  }

  async function list(prefix: string, options: ListOptions = {}, signal?: AbortSignal): Promise<Listing> {
    for (let attempts = 1; attempts <= LIST_ATTEMPTS; attempts += 1) {
      try {
        const listing = await listOnce(prefix, options, signal);
        if (listing !== undefined) return listing;
      } catch (error) {
        const again = options.revision === undefined && isOcicatError(error, 'not-found');
        if (!again || attempts === LIST_ATTEMPTS) throw error;
      }
    }
    throw new OcicatError('conflict', `list "${prefix}": different stores answer in turn`);
  }

  return { range, list };
}
