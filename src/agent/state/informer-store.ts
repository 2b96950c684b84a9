// The resources of one kind as they stand in the store, by name; one that cannot be read is reported and left out.
import { isOcicatError } from '../../base/errors.ts';
import type { Kind } from '../../model/meta/kind.ts';
import type { Resource } from '../../model/meta/resource.ts';
import { parseStoredText } from '../../model/meta/stored.ts';
import type { Log } from '../../sys/log.ts';

export interface InformerStore<R> {
  readonly all: ReadonlyMap<string, R>;
  /** By name, whatever the order in which they came. */
  sorted(): readonly R[];
  set(name: string, text: string | undefined): void;
}

export function createInformerStore<R extends Resource>(kind: Kind<R>, log: Log): InformerStore<R> {
  const all = new Map<string, R>();
  return {
    all,
    sorted: () => [...all].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, value]) => value),
    set(name, text) {
      all.delete(name);
      if (text === undefined) return;
      try {
        all.set(name, parseStoredText(kind, { name }, text));
      } catch (error) {
        if (!isOcicatError(error, 'corrupt')) throw error;
        log.error(`${kind.name}(${name}) cannot be used`, error);
      }
    },
  };
}
