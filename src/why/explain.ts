// The answer about one packet: how it fares at both ends, why, and what staged policies would change.
import { EARLY } from '../policy/oracle/host-verdict.ts';
import type { Packet } from '../policy/oracle/packet.ts';
import { createSnapshot, type PolicySnapshot } from '../policy/oracle/snapshot.ts';
import { satisfies } from '../policy/oracle/snapshot-labels.ts';
import { DEFAULT_FAILSAFES } from '../policy/types/failsafe.ts';
import type { Direction } from '../policy/types/types.ts';
import type { Cluster, StagedPolicy } from './cluster.ts';
import type { Flow } from './flow.ts';
import { judgeHost, type Path, pathBetween } from './hosts.ts';
import { type LabelsWithOrigin, listLabels } from './labels.ts';
import { type End, isHostEndpoint } from './resolve.ts';
import { type Walk, type WalkVerdict, walkEndpoint } from './walk.ts';
import { walkHostEndpoint } from './walk-host.ts';
import { endpointsOnWay, type Way, type WayWalk, walkWay } from './way.ts';

/** What becomes of a packet at its ends, and at host endpoints between them. */
export interface Verdicts {
  readonly egress: WalkVerdict;
  readonly ingress: WalkVerdict;
  readonly onTheWay: readonly (Pick<WayWalk, 'host' | 'endpoint' | 'direction'> & WalkVerdict)[];
}

/** What a staged policy would do to the packet if it were enforced, and nothing else were. */
export interface StagedOutcome extends Verdicts {
  readonly id: string;
  readonly allowed: boolean;
}

export interface Explanation {
  readonly flow: Flow;
  readonly path: Path;
  readonly allowed: boolean;
  readonly egress: Walk;
  readonly ingress: Walk;
  readonly way: Way;
  readonly labels: { readonly source: LabelsWithOrigin; readonly destination: LabelsWithOrigin };
  /** Those that apply to one of the two ends. */
  readonly staged: readonly StagedOutcome[];
}

/** The workload that an end is. */
function workloadOf({ endpoint }: End): string | undefined {
  return endpoint === undefined || isHostEndpoint(endpoint) ? undefined : endpoint;
}

/** A host's own programs: each phase of its endpoint's policies that sees their packets. */
function walkHostEnd(direction: Direction, end: End, packet: Packet, snapshot: PolicySnapshot, cluster: Cluster): Walk {
  const early = direction === 'ingress' ? EARLY : EARLY.slice(0, 1);
  const failsafes = cluster.hosts.get(end.host ?? '')?.failsafes ?? DEFAULT_FAILSAFES;
  return walkHostEndpoint(direction, end.endpoint, packet, snapshot, { phases: [...early, 'normal'], failsafes });
}

/** An endpoint whose interface cannot be read has none: on its node it is closed, whatever its policies say. */
function walkAt(direction: Direction, end: End, packet: Packet, snapshot: PolicySnapshot, cluster: Cluster): Walk {
  if (isHostEndpoint(end.endpoint ?? '')) return walkHostEnd(direction, end, packet, snapshot, cluster);
  const id = workloadOf(end);
  const walk = walkEndpoint(direction, id, packet, snapshot);
  if (id === undefined || snapshot.endpoints.get(id)?.local !== undefined) return walk;
  return { ...walk, tiers: [], profiles: [], verdict: { action: 'deny', reason: { kind: 'unknown-endpoint', id } } };
}

/** How the packet goes, by where its ends are. */
function routeOf({ source, destination }: Flow, { workloads }: Cluster) {
  const nodeOf = (end: End) => workloads.get(workloadOf(end) ?? '')?.node;
  const [from, to] = [nodeOf(source), nodeOf(destination)];
  const path = pathBetween({ host: source.host, workloadNode: from }, { host: destination.host, workloadNode: to });
  return { path, from, to };
}

/** At the destination, where that is the workload's own host, or the source is: the host decides, and no policy. */
function walkHost(path: Path, { source, destination }: Flow, { hosts }: Cluster): Walk | undefined {
  const verdict = judgeHost(path, path === 'to-host' ? destination.host : source.host, hosts);
  return verdict && { direction: 'ingress', endpoint: workloadOf(destination), tiers: [], profiles: [], verdict };
}

/** A host's endpoint says nothing of what stays on the host: its own packets to itself and to its workloads. */
function withoutHostEndpoints(flow: Flow, path: Path): Flow {
  const { source, destination } = flow;
  const isLocal = path !== 'forward' || (source.host !== undefined && source.host === destination.host);
  if (!isLocal) return flow;
  const strip = (end: End): End => ({ ...end, endpoint: workloadOf(end) });
  return { ...flow, source: strip(source), destination: strip(destination) };
}

function walkBoth(given: Flow, snapshot: PolicySnapshot, cluster: Cluster) {
  const route = routeOf(given, cluster);
  const { path } = route;
  const flow = withoutHostEndpoints(given, path);
  const { packet, source, destination } = flow;
  const egress = walkAt('egress', source, packet, snapshot, cluster);
  const ingress = walkHost(path, flow, cluster) ?? walkAt('ingress', destination, packet, snapshot, cluster);
  const way = walkWay(route, packet, snapshot, cluster);
  const allowed = [egress, ...way.walks, ingress].every(({ verdict }) => verdict.action === 'allow');
  return { path, egress, ingress, way, allowed };
}

/** Whether the policy, as it is or as it would be, is about one of the ends, or a host endpoint between them. */
function affects({ update }: StagedPolicy, flow: Flow, cluster: Cluster): boolean {
  const { snapshot } = cluster;
  const policies = [update.value, snapshot.policies.get(update.id)].filter((policy) => policy !== undefined);
  const ends = [flow.source, flow.destination].map(({ endpoint }) => endpoint ?? '');
  return [...ends, ...endpointsOnWay(routeOf(flow, cluster), cluster)].some((id) => {
    const endpoint = snapshot.endpoints.get(id);
    return endpoint !== undefined && policies.some(({ selector }) => satisfies(endpoint, selector, snapshot) !== false);
  });
}

function tryStaged(staged: StagedPolicy, flow: Flow, cluster: Cluster): StagedOutcome {
  const snapshot = createSnapshot([...cluster.updates, staged.update]);
  const { egress, ingress, way, allowed } = walkBoth(flow, snapshot, cluster);
  const named = ({ action, reason }: WalkVerdict): WalkVerdict =>
    reason.kind === 'rule' && reason.policy === staged.update.id
      ? { action, reason: { ...reason, policy: staged.id } }
      : { action, reason };
  const onTheWay = way.walks.map(({ host, endpoint, direction, verdict }) => ({
    ...{ host, endpoint, direction },
    ...named(verdict),
  }));
  return { id: staged.id, allowed, egress: named(egress.verdict), ingress: named(ingress.verdict), onTheWay };
}

export function explainFlow(flow: Flow, cluster: Cluster): Explanation {
  const { snapshot, staged } = cluster;
  const labelsOf = (end: End) => listLabels(end.endpoint ?? '', snapshot);
  const walks = walkBoth(flow, snapshot, cluster);
  return {
    flow,
    ...walks,
    labels: { source: labelsOf(flow.source), destination: labelsOf(flow.destination) },
    staged: staged.filter((one) => affects(one, flow, cluster)).map((one) => tryStaged(one, flow, cluster)),
  };
}
