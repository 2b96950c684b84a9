// Names in the log what stands in the store and has no effect here: each kind and field once in the life of an agent, by
// the first resource that has it.
import { tryParseJson } from '../../base/json.ts';
import type { StoreKey } from '../../datastore/keys.ts';
import { findIdle, idleMarksOf } from '../../model/idle/idle.ts';
import type { IdleMark } from '../../model/idle/idle-mark.ts';
import { findKind } from '../../model/kinds.ts';
import { formatResourceName } from '../../model/meta/resource.ts';
import type { Log } from '../../sys/log.ts';

type ResourceKey = Extract<StoreKey, { kind: 'resource' }>;

export interface IdleLog {
  note(key: ResourceKey, text: string | undefined): void;
}

/** Whether a text may say something at the mark, without reading it: most resources of a large store do not. */
function mayHave(text: string, { path }: IdleMark): boolean {
  return path === '' || text.includes(`"${path.slice(path.lastIndexOf('.') + 1)}"`);
}

export function createIdleLog(log: Pick<Log, 'warn'>): IdleLog {
  const reported = new Set<string>();
  const nameOf = ({ resourceKind }: ResourceKey, { path }: IdleMark) => `${resourceKind} ${path}`;

  function findNews(key: ResourceKey, text: string): readonly IdleMark[] {
    const kind = findKind(key.resourceKind);
    const open = idleMarksOf(key.resourceKind).filter(
      (mark) => !reported.has(nameOf(key, mark)) && mayHave(text, mark),
    );
    if (kind === undefined || open.length === 0) return [];
    const marks = new Set(findIdle(kind, tryParseJson(text)));
    return open.filter((mark) => marks.has(mark));
  }

  return {
    note(key, text) {
      if (text === undefined) return;
      const name = formatResourceName({ ...key, kind: key.resourceKind });
      for (const [why, marks] of Map.groupBy(findNews(key, text), (mark) => mark.why)) {
        for (const mark of marks) reported.add(nameOf(key, mark));
        const fields = marks.flatMap(({ path }) => (path === '' ? [] : [path]));
        const what = fields.length === 0 ? name : `${name} ${fields.join(', ')}`;
        log.warn(`no effect here: ${what}: ${why}`);
      }
    },
  };
}
