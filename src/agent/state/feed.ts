// Where every change of the store enters the agent, from the watch and from its own writes, and goes to those it concerns.
import { formatIssue } from '../../base/errors.ts';
import { parseJson } from '../../base/json.ts';
import { type StoreKey, tryParseKey } from '../../datastore/keys.ts';
import { createRevisions } from '../../datastore/sync/revisions.ts';
import type { StoreUpdate } from '../../ipam/commit.ts';
import { parsePolicyUpdate } from '../../policy/input/parse.ts';
import type { Log } from '../../sys/log.ts';
import type { Dataplane } from './dataplane.ts';
import { createIdleLog } from './idle-log.ts';
import type { NodeStatusReporter } from './node-status.ts';
import type { Concern, Picture } from './picture.ts';
import type { Workloads } from './workloads.ts';

export interface Feed {
  /** Takes a change in; one that is not newer than what is known of its key is nothing new. */
  take(update: StoreUpdate): void;
  /** The store is another one: what comes from here on is news whatever its revision is. */
  forgetRevisions(): void;
  /** The concerns of everything taken since the last call. */
  takeConcerns(): ReadonlySet<Concern>;
}

export interface FeedTargets {
  readonly nodeName: string;
  readonly dataplane: Dataplane;
  readonly picture: Picture;
  readonly workloads: Workloads;
  readonly nodeStatuses: Pick<NodeStatusReporter, 'note'>;
  readonly log: Log;
}

/** Null for a value that is no JSON: policy then closes what it stands for. */
function tryParse(text: string): unknown {
  try {
    return parseJson(text);
  } catch {
    return null;
  }
}

export function createFeed(targets: FeedTargets): Feed {
  const { nodeName, dataplane, picture, workloads, nodeStatuses, log } = targets;
  const revisions = createRevisions();
  const idleLog = createIdleLog(log);
  let concerns = new Set<Concern>();

  function toPolicy(key: Extract<StoreKey, { kind: 'resource' }>, text: string | undefined): void {
    const { resourceKind: kind, namespace, name } = key;
    const parsed = parsePolicyUpdate(
      { kind, namespace, name },
      text === undefined ? undefined : tryParse(text),
      nodeName,
    );
    if (parsed === undefined) return;
    const id = namespace === undefined ? name : `${namespace}/${name}`;
    for (const issue of parsed.issues) log.error(`${kind}(${id}) is closed: ${formatIssue(issue)}`);
    dataplane.update(parsed.update);
    workloads.update(parsed.update);
  }

  return {
    take(update) {
      const { value } = update;
      const key = tryParseKey(update.key);
      if (key?.kind !== 'resource' && key?.kind !== 'affinity' && key?.kind !== 'block') return;
      if (!revisions.take(update)) return;
      const concern = picture.update(key, value);
      if (concern !== undefined) concerns.add(concern);
      if (key.kind !== 'resource') return;
      toPolicy(key, value);
      if (key.resourceKind === 'CalicoNodeStatus') nodeStatuses.note(key.name, value);
      idleLog.note(key, value);
    },
    forgetRevisions: revisions.forget,
    takeConcerns() {
      const taken = concerns;
      concerns = new Set();
      return taken;
    },
  };
}
