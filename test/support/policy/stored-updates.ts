// Policy updates by way of a store, as an agent gets them: what differs from what was there, also when another store, or an
// earlier state of it, takes its place. Then they come together, when all of it has been read.

import { openSync, type SyncMessage, type SyncUpdate } from '../../../src/datastore/sync/sync.ts';
import type { PolicyUpdate } from '../../../src/policy/types/input.ts';
import { openMemoryDatastore } from '../datastore/memory.ts';

type Resource = Exclude<PolicyUpdate, { kind: 'in-sync' }>;

export interface StoredUpdates {
  /** Makes the store hold these, and nothing else; returns when they have been taken. */
  put(updates: readonly PolicyUpdate[]): Promise<void>;
  /** As put, in another store that takes the place of this one. */
  restore(updates: readonly PolicyUpdate[]): Promise<void>;
  close(): Promise<void>;
}

const isResource = (update: PolicyUpdate): update is Resource => update.kind !== 'in-sync';
const keyOf = ({ kind, id }: Resource) => `/${kind}/${id}`;

/** `take` gets what an agent would act on at one time. */
export function openStoredUpdates(take: (updates: readonly PolicyUpdate[]) => void): StoredUpdates {
  const store = openMemoryDatastore();
  const stop = new AbortController();
  /** What each stored text stands for, and what the absence of each key does. */
  const meanings = new Map<string, Resource>();
  const absences = new Map<string, Resource>();
  let isInSync = false;
  let pending: PolicyUpdate[] = [];
  let wake = (): void => undefined;

  function meaningOf({ key, value }: SyncUpdate): readonly Resource[] {
    const meaning = value === undefined ? absences.get(key) : meanings.get(value);
    return meaning === undefined ? [] : [meaning];
  }

  function handle(message: SyncMessage): void {
    if (message.kind === 'updates') pending.push(...message.updates.flatMap(meaningOf));
    if (message.kind === 'disconnected') isInSync = false;
    if (message.kind === 'in-sync') isInSync = true;
    if (!isInSync || pending.length === 0) return;
    take(pending);
    pending = [];
    wake();
  }

  const following = (async () => {
    for await (const message of openSync(store, ['/'], stop.signal)) handle(message);
  })();

  /** What is there, each under a text of its own; what is gone has none. */
  function textsOf(updates: readonly PolicyUpdate[]): ReadonlyMap<string, string> {
    const found = new Map<string, string>();
    for (const update of updates.filter(isResource)) {
      absences.set(keyOf(update), { ...update, value: undefined });
      if (update.value === undefined) continue;
      const text = `${meanings.size}`;
      meanings.set(text, update);
      found.set(keyOf(update), text);
    }
    return found;
  }

  async function write(updates: readonly PolicyUpdate[]): Promise<void> {
    const taken = new Promise<void>((resolve) => {
      wake = resolve;
    });
    const wanted = textsOf(updates);
    const { kvs } = await store.list('/');
    const puts = [...wanted].map(([key, value]) => ({ kind: 'put', key, value }) as const);
    const deletes = kvs.filter(({ key }) => !wanted.has(key)).map(({ key }) => ({ kind: 'delete', key }) as const);
    await store.commit({ conditions: [], writes: [...puts, ...deletes] });
    await taken;
  }

  return {
    put: write,
    async restore(updates) {
      store.replaceCluster();
      await write(updates);
    },
    async close() {
      stop.abort();
      await store.close();
      await following;
    },
  };
}
