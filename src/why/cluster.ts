// What a cluster's store says about policy, as the agents read it, beside the documents as they were written.
import { formatIssue } from '../base/errors.ts';
import { tryParseJson } from '../base/json.ts';
import type { ResourceName } from '../model/meta/resource.ts';
import { parsePolicyUpdate } from '../policy/input/parse.ts';
import { readStagedAction } from '../policy/input/parse-staged.ts';
import { createSnapshot, type PolicySnapshot } from '../policy/oracle/snapshot.ts';
import type { PolicyUpdate } from '../policy/types/input.ts';
import { isStaged } from '../policy/types/types.ts';
import { membersOf } from '../schema/document.ts';
import { type Host, readHosts } from './hosts.ts';

/** A resource as the store has it. */
export interface StoredDocument extends ResourceName {
  /** JSON. */
  readonly text: string;
}

/** What a workload endpoint says beside policy. */
export interface WorkloadSummary {
  readonly namespace: string;
  readonly name: string;
  readonly node: string;
  readonly containerId: string;
  readonly workload: string;
  readonly interfaceName: string;
}

/** A staged policy: what would be there if it were enforced. */
export interface StagedPolicy {
  /** `StagedNetworkPolicy/<namespace>/<name>` or `StagedGlobalNetworkPolicy//<name>`. */
  readonly id: string;
  readonly action: 'set' | 'delete';
  /** To the policy of its name. */
  readonly update: Extract<PolicyUpdate, { kind: 'policy' }>;
}

export interface Cluster {
  readonly snapshot: PolicySnapshot;
  readonly updates: readonly PolicyUpdate[];
  /** By the ids of the snapshot's endpoints; host endpoints have none. */
  readonly workloads: ReadonlyMap<string, WorkloadSummary>;
  readonly staged: readonly StagedPolicy[];
  /** By name of their nodes. */
  readonly hosts: ReadonlyMap<string, Host>;
  /** Annotations of the metadata, by `<kind>/<namespace>/<name>`. */
  readonly annotations: ReadonlyMap<string, Readonly<Record<string, string>>>;
  /** What could not be read, for people; such a resource is closed. */
  readonly problems: readonly string[];
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function summarise({ namespace = '', name }: ResourceName, value: unknown): WorkloadSummary {
  const spec = membersOf(membersOf(value)?.spec) ?? {};
  return {
    namespace,
    name,
    node: textOf(spec.node),
    containerId: textOf(spec.containerID),
    workload: textOf(spec.workload) || textOf(spec.pod),
    interfaceName: textOf(spec.interfaceName),
  };
}

function annotationsOf(value: unknown): Readonly<Record<string, string>> {
  const entries = Object.entries(membersOf(membersOf(membersOf(value)?.metadata)?.annotations) ?? {});
  const own = entries.filter(([key]) => !key.startsWith('projectcalico.org/')); // what calicoctl keeps there for itself
  return Object.fromEntries(own.map(([key, text]) => [key, textOf(text)]));
}

/** What enforcing a staged policy would do: put it in the place of the policy of its name, or take that away. */
function readStaged(resource: unknown, update: PolicyUpdate): StagedPolicy | undefined {
  if (update.kind !== 'policy' || !isStaged(update.id)) return undefined;
  const { kind, id, value } = update;
  const action = readStagedAction(resource);
  if (action !== 'set' && action !== 'delete') return undefined;
  return { id, action, update: { kind, id: id.replace(/^Staged/, ''), value } };
}

/** `Kind(name)` or `Kind(namespace/name)`. */
export function formatId(id: string): string {
  const [kind = '', namespace = '', ...name] = id.split('/');
  return `${kind}(${namespace === '' ? '' : `${namespace}/`}${name.join('/')})`;
}

/** Reads everything that policy looks at, and staged policies; other kinds have no part in it. */
export function readCluster(documents: readonly StoredDocument[]): Cluster {
  const updates: PolicyUpdate[] = [];
  const workloads = new Map<string, WorkloadSummary>();
  const annotations = new Map<string, Readonly<Record<string, string>>>();
  const staged: StagedPolicy[] = [];
  const problems: string[] = [];
  for (const { text, ...key } of documents) {
    const value = tryParseJson(text) ?? null; // what is no JSON is closed
    const id = `${key.kind}/${key.namespace ?? ''}/${key.name}`;
    annotations.set(id, annotationsOf(value));
    const workload = summarise(key, value);
    const parsed = parsePolicyUpdate(key, value, workload.node);
    if (parsed === undefined) continue;
    updates.push(parsed.update);
    const trial = readStaged(value, parsed.update);
    if (trial !== undefined) staged.push(trial);
    const closed = isStaged(id) ? 'would be closed' : 'is closed';
    problems.push(...parsed.issues.map((issue) => `${formatId(id)} ${closed}: ${formatIssue(issue)}`));
    if (key.kind === 'WorkloadEndpoint') workloads.set(`${workload.namespace}/${workload.name}`, workload);
  }
  const [snapshot, hosts] = [createSnapshot(updates), readHosts(documents)];
  return { snapshot, updates, workloads, staged, hosts, annotations, problems };
}

/** What there would be if all staged policies were enforced. */
export function withStagedEnforced({ updates, staged }: Cluster): PolicySnapshot {
  return createSnapshot([...updates, ...staged.map(({ update }) => update)]);
}
