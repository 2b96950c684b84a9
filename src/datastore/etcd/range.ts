// Reads all keys with a prefix in pages, every page at the revision of the first.
import { OcicatError } from '../../base/errors.ts';
import type { KeyValue, ListOptions, Revision } from '../port.ts';
import { computeRangeEnd, type RangeAnswer, type RangeQuery } from './messages.ts';

/** Small, because nothing is known of the values yet: 100 of etcd's largest are 150 MB. */
const FIRST_PAGE_KEYS = 100;
const MAX_PAGE_KEYS = 25_000;
/** What a later page aims at; at 1 kB a value that is 16,000 keys. etcd counts all keys that are left with each page. */
const PAGE_BYTES = 16 * 1024 * 1024;

/** Keys to ask for next, from what the last page weighed. 1 to 25,000. */
export function computePageKeys(lastKeys: number, lastBytes: number): number {
  const wanted = Math.floor((PAGE_BYTES * lastKeys) / Math.max(1, lastBytes));
  return Math.max(1, Math.min(MAX_PAGE_KEYS, wanted));
}

function weigh(kvs: readonly KeyValue[]): number {
  return kvs.reduce((sum, { key, value }) => sum + key.length + value.length, 0);
}

export interface RangeListing {
  readonly kvs: readonly KeyValue[];
  readonly revision: Revision;
}

/** Calls `read` for page after page. Its failures pass through. */
export async function readPages(
  prefix: string,
  options: ListOptions,
  read: (query: RangeQuery) => Promise<RangeAnswer>,
): Promise<RangeListing> {
  const rangeEnd = computeRangeEnd(prefix);
  const kvs: KeyValue[] = [];
  let key = prefix === '' ? '\0' : prefix;
  let limit = FIRST_PAGE_KEYS;
  let revision = options.revision;
  for (;;) {
    const page = await read({
      key,
      rangeEnd,
      limit,
      ...(revision === undefined ? {} : { revision }),
      ...(options.keysOnly ? { keysOnly: true } : {}),
    });
    revision ??= page.header.revision;
    for (const kv of page.kvs) kvs.push(kv);
    const last = page.kvs.at(-1);
    if (!page.more) return { kvs, revision };
    if (last === undefined) throw new OcicatError('corrupt', `list "${prefix}": an empty page says that more follow`);
    key = `${last.key}\0`;
    limit = computePageKeys(page.kvs.length, weigh(page.kvs));
  }
}
