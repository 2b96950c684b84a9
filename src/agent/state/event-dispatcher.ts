// Where every change of the store enters the agent, from the watch and from its own writes, and goes to those that it is about.
import { formatIssue } from '../../base/errors.ts';
import { tryParseJson } from '../../base/json.ts';
import { type StoreKey, tryParseKey } from '../../datastore/keys.ts';
import { createRevisions } from '../../datastore/sync/revisions.ts';
import type { StoreUpdate } from '../../ipam/commit.ts';
import { parsePolicyUpdate } from '../../policy/input/parse.ts';
import { isStaged } from '../../policy/types/types.ts';
import type { Log } from '../../sys/log.ts';
import type { WorkloadPeers } from '../bgp/workload-peers.ts';
import type { Resolver } from '../resolver/resolver.ts';
import type { ClusterState, Invalidation } from './cluster-state.ts';
import type { Dataplane } from './dataplane.ts';
import { createIdleLog } from './idle-log.ts';
import type { NodeStatusReporter } from './node-status.ts';
import type { Workloads } from './workloads.ts';

export interface EventDispatcher {
  /** Takes a change in; one that is not newer than what is known of its key is nothing new. */
  dispatch(update: StoreUpdate): void;
  /** The store is another one: what comes from here on is news whatever its revision is. */
  forgetRevisions(): void;
  /** What is out of date by everything dispatched since the last call. */
  takeInvalidations(): ReadonlySet<Invalidation>;
}

export interface EventTargets {
  readonly nodeName: string;
  readonly dataplane: Dataplane;
  readonly clusterState: ClusterState;
  readonly workloads: Workloads;
  readonly workloadPeers: Pick<WorkloadPeers, 'update'>;
  readonly nodeStatuses: Pick<NodeStatusReporter, 'note'>;
  readonly resolver: Pick<Resolver, 'update'>;
  readonly log: Log;
}

export function createEventDispatcher(targets: EventTargets): EventDispatcher {
  const { nodeName, dataplane, clusterState, workloads, workloadPeers, nodeStatuses, resolver, log } = targets;
  const revisions = createRevisions();
  const idleLog = createIdleLog(log);
  let invalidations = new Set<Invalidation>();

  function toPolicy(key: Extract<StoreKey, { kind: 'resource' }>, text: string | undefined): void {
    const { resourceKind: kind, namespace, name } = key;
    const value = text === undefined ? undefined : (tryParseJson(text) ?? null); // null: policy closes what it stands for
    const parsed = parsePolicyUpdate({ kind, namespace, name }, value, nodeName);
    if (parsed === undefined) return;
    const id = namespace === undefined ? name : `${namespace}/${name}`;
    const closed = isStaged(kind) ? 'would be closed' : 'is closed';
    for (const issue of parsed.issues) log.error(`${kind}(${id}) ${closed}: ${formatIssue(issue)}`);
    dataplane.update(parsed.update);
    workloads.update(parsed.update);
    if (kind === 'WorkloadEndpoint') resolver.update(id, value);
    if (workloadPeers.update(parsed.update)) invalidations.add('routing');
  }

  return {
    dispatch(update) {
      const { value } = update;
      const key = tryParseKey(update.key);
      if (key?.kind !== 'resource' && key?.kind !== 'affinity' && key?.kind !== 'block') return;
      if (!revisions.take(update)) return;
      log.debug(() => `${update.key}: ${value === undefined ? 'gone' : 'changed'} at revision ${update.modRevision}`);
      const invalidation = clusterState.update(key, value);
      if (invalidation !== undefined) invalidations.add(invalidation);
      if (key.kind !== 'resource') return;
      toPolicy(key, value);
      if (key.resourceKind === 'CalicoNodeStatus') nodeStatuses.note(key.name, value);
      idleLog.note(key, value);
    },
    forgetRevisions: revisions.forget,
    takeInvalidations() {
      const taken = invalidations;
      invalidations = new Set();
      return taken;
    },
  };
}
