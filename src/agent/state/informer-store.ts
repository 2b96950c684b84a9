// The resources of one kind as they stand in the store, by name; one that cannot be read is reported and left out.
import { isOcicatError } from '../../base/errors.ts';
import type { Json } from '../../base/json.ts';
import { type Kind, parseStored } from '../../model/meta/kind.ts';
import type { Resource } from '../../model/meta/resource.ts';
import type { Log } from '../../sys/log.ts';

export interface InformerStore<R> {
  readonly all: ReadonlyMap<string, R>;
  /** By name, whatever the order in which they came. */
  sorted(): readonly R[];
  set(name: string, value: Json | undefined): void;
}

export function createInformerStore<R extends Resource>(kind: Kind<R>, log: Log): InformerStore<R> {
  const all = new Map<string, R>();
  return {
    all,
    sorted: () => [...all].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, value]) => value),
    set(name, value) {
      all.delete(name);
      if (value === undefined) return;
      try {
        all.set(name, parseStored(kind, value));
      } catch (error) {
        if (!isOcicatError(error, 'corrupt')) throw error;
        log.error(`${kind.name}(${name}) cannot be used`, error);
      }
    },
  };
}
