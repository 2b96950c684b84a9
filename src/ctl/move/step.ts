// One key of the store that is moved: what it means for the other store.
import type { KeyValue, Revision } from '../../datastore/port.ts';

/** Everything below the prefixes of resources, addresses and holders, by key. */
export type StoreContent = ReadonlyMap<string, KeyValue>;

/** A value for the cluster. */
export interface PlannedWrite {
  readonly key: string;
  readonly value: string;
  /** What stands there when it is written; 0: nothing. */
  readonly modRevision: Revision;
}

/** What one key leads to. */
export type Planned =
  | { readonly kind: 'write'; readonly write: PlannedWrite }
  /** The cluster has it, or has its own. */
  | { readonly kind: 'known' }
  | { readonly kind: 'conflicts'; readonly messages: readonly string[] };

export const KNOWN: Planned = { kind: 'known' };

export function conflict(...messages: readonly string[]): Planned {
  return { kind: 'conflicts', messages };
}

export function writeOf({ key, value }: Pick<KeyValue, 'key' | 'value'>, standing: KeyValue | undefined): Planned {
  return { kind: 'write', write: { key, value, modRevision: standing?.modRevision ?? 0 } };
}
