// What the agent does about the cluster's state as it knows it: whatever has become out of date - settings, policy, links and
// routes, BIRD's configuration - is brought up to date, and nothing else is touched.
import type { ClusterRouteChanges } from '../../routing/cluster-routes.ts';
import type { RoutingPool } from '../../routing/input.ts';
import type { WorkloadPeers } from '../bgp/workload-peers.ts';
import type { HostEncryptions } from '../encryption/host-encryption.ts';
import type { HostPaths } from '../tunnel/host-paths.ts';
import type { RouteFaults } from '../tunnel/route-faults.ts';
import { computeVxlanGuard } from '../tunnel/vxlan-guard.ts';
import type { ClusterState, Invalidation } from './cluster-state.ts';
import type { Dataplane } from './dataplane.ts';
import type { EventDispatcher } from './event-dispatcher.ts';
import type { HostEndpoints } from './host-endpoints.ts';
import type { SettingsConsumer } from './settings-consumers.ts';
import type { Workloads } from './workloads.ts';

export interface ProjectionTargets {
  readonly clusterState: ClusterState;
  readonly settingsConsumers: readonly SettingsConsumer[];
  readonly dataplane: Pick<Dataplane, 'setPools' | 'setVxlan' | 'start' | 'flush'>;
  readonly workloads: Workloads;
  readonly hostPaths: Pick<HostPaths, 'start' | 'follow' | 'reconcile'>;
  readonly routeFaults: RouteFaults;
  readonly hostEndpoints: Pick<HostEndpoints, 'review'>;
  readonly hostMtu: { setPools(pools: readonly RoutingPool[]): void };
  readonly encryption: Pick<HostEncryptions, 'look' | 'apply'>;
  readonly forwarding: { setUsesIpv6(usesIpv6: boolean): void };
  readonly workloadPeers: WorkloadPeers;
  /** Something that BIRD's configuration follows from may have changed. */
  readonly touchRouting: () => void;
  /** So may pools, or the Node, that this host's addresses in tunnels follow from. */
  readonly touchTunnelAddresses: () => void;
}

export interface Projection {
  /** Brings the kernel to what is known; the first time it takes the place of what an earlier agent left. Throws `kernel`. */
  flush(): void;
  /** As flush, and puts back what a link has lost while the store did not know its endpoint. */
  restore(): void;
}

/** `poolsChanged`: pods that had no pool may have one. */
export function createProjection(
  targets: ProjectionTargets,
  events: Pick<EventDispatcher, 'takeInvalidations'>,
  poolsChanged: () => void,
): Projection {
  const {
    clusterState,
    settingsConsumers,
    dataplane,
    workloads,
    hostPaths,
    hostEndpoints,
    hostMtu,
    encryption,
    forwarding,
  } = targets;
  const { workloadPeers, touchRouting, touchTunnelAddresses } = targets;
  let isStarted = false;

  function followSettings(): void {
    for (const consumer of settingsConsumers) consumer.follow(clusterState.settings());
  }

  function follow(stale: ReadonlySet<Invalidation>): void {
    forwarding.setUsesIpv6(clusterState.usesIpv6());
    if (stale.has('felix') || stale.has('routing')) followSettings(); // labels of the node choose settings too
    dataplane.setPools(clusterState.natPools(), clusterState.natDirect());
    targets.routeFaults.review(clusterState.routeFaults());
    if (stale.has('pools')) hostMtu.setPools(clusterState.routingPools());
    if (stale.has('pools')) poolsChanged();
    if (stale.has('routing') || stale.has('pools') || stale.has('felix')) {
      workloadPeers.follow();
      touchRouting();
      touchTunnelAddresses();
    }
  }

  /** Returns what is other by it of the ways to other hosts; what blocks say of their addresses concerns nobody else. */
  function update(): ClusterRouteChanges | undefined {
    const stale = events.takeInvalidations();
    if (stale.size === 0) return undefined;
    const isMore = [...stale].some((one) => one !== 'blocks');
    if (isMore) follow(stale);
    encryption.look();
    const changes = clusterState.settleRoutes();
    if (!isMore) return changes;
    const { guard, hosts } = computeVxlanGuard(clusterState.clusterRoutes, clusterState.externalNodes());
    dataplane.setVxlan(guard, hosts, clusterState.clusterRoutes[4].ipip && clusterState.hosts4());
    return changes;
  }

  function start(): void {
    isStarted = true;
    followSettings();
    update();
    dataplane.start();
    encryption.apply();
    hostPaths.start();
  }

  /** Packets of a host are taken before anything leads to it. */
  function flushChanges(): void {
    const changes = update();
    dataplane.flush();
    encryption.apply();
    workloads.reconcileChanged();
    if (changes !== undefined) hostPaths.follow(changes);
  }

  function flush(): void {
    if (isStarted) flushChanges();
    else start();
    hostEndpoints.review();
  }

  return {
    flush,
    restore() {
      flush();
      workloads.reconcile();
      hostPaths.reconcile();
    },
  };
}
