// The resources of one kind as they stand in the store, by name; one that cannot be read is reported, and left out
// unless somebody knows what it counts for.
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

/** What a text counts for that cannot be read; `before`: what was at its name. */
type Recover<R> = (unread: { readonly name: string; readonly text: string }, before: R | undefined) => R | undefined;

export function createInformerStore<R extends Resource>(
  kind: Kind<R>,
  log: Log,
  recover: Recover<R> = () => undefined,
): InformerStore<R> {
  const all = new Map<string, R>();
  return {
    all,
    sorted: () => [...all].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, value]) => value),
    set(name, text) {
      const before = all.get(name);
      all.delete(name);
      if (text === undefined) return;
      try {
        all.set(name, parseStoredText(kind, { name }, text));
      } catch (error) {
        if (!isOcicatError(error, 'corrupt')) throw error;
        const recovered = recover({ name, text }, before);
        if (recovered !== undefined) all.set(name, recovered);
        log.error(`${kind.name}(${name}) cannot be ${recovered === undefined ? 'used' : 'used as a whole'}`, error);
      }
    },
  };
}
