// This node's workloads: their links and routes as they should be, and put right when somebody else has changed them.

import { observeWorkloadLinks } from '../../kernel/link/workload-link.ts';
import { applyHostSettings, type HostEnd } from '../../kernel/link/workload-link-host.ts';
import { familiesOf } from '../../kernel/link/workload-link-spec.ts';
import {
  applyRoutes,
  formatRoute,
  observeRoutes,
  type Route,
  sameRoute,
  workloadRoute,
} from '../../kernel/route/routes.ts';
import type { PolicyUpdate } from '../../policy/types/input.ts';
import { computeWorkloadRoutes, type LocalWorkload } from '../../routing/workload-routes.ts';
import type { Log } from '../../sys/log.ts';
import { NETLINK_ROUTE, openNetlink } from '../../sys/netlink.ts';

export interface Workloads {
  /** Takes in what a policy update says about an endpoint of this node. */
  update(update: PolicyUpdate): void;
  /** Endpoints whose host link is not there, by id. */
  missing(): ReadonlyMap<string, LocalWorkload>;
  /** Adds routes that are missing on links that are up. */
  restoreRoutes(): void;
  /** Makes the settings of all links as they should be: an earlier version may have made them. */
  restoreSettings(): void;
  /** The same for the endpoints that have come to be allowed other sources than their own, or no longer are. */
  followSettings(): void;
  /** Whether a link of this name belongs to a workload of this node. */
  has(interfaceName: string): boolean;
}

export function createWorkloads(log: Log): Workloads {
  const all = new Map<string, LocalWorkload>();
  /** Ids of endpoints that may send from other addresses than their own. */
  const spoofing = new Set<string>();
  const changed = new Set<string>();

  function noteSpoofing(id: string, may: boolean): void {
    if (spoofing.has(id) === may) return;
    if (may) spoofing.add(id);
    else spoofing.delete(id);
    changed.add(id);
  }

  function applySettings(ids: Iterable<string>): void {
    const ends = [...ids].flatMap((id): readonly HostEnd[] => {
      const workload = all.get(id);
      if (workload === undefined) return [];
      const { interfaceName: hostName, addresses } = workload;
      return [{ hostName, families: familiesOf(addresses), maySpoof: spoofing.has(id) }];
    });
    changed.clear();
    try {
      applyHostSettings(ends);
    } catch (error) {
      log.error('set up links', error);
    }
  }

  function wantedRoutes(): readonly Route[] {
    const indexes = new Map(
      observeWorkloadLinks()
        .filter((link) => link.up)
        .map((link) => [link.name, link.index]),
    );
    return [...computeWorkloadRoutes([...all.values()]).values()].flatMap(({ destination, interfaceName }) => {
      const index = indexes.get(interfaceName);
      return index === undefined ? [] : [workloadRoute(destination, index)];
    });
  }

  return {
    update(update) {
      if (update.kind !== 'endpoint') return;
      const local = update.value?.local;
      noteSpoofing(update.id, local !== undefined && local.allowedSources.length > 0);
      if (update.value === undefined || local === undefined) all.delete(update.id);
      else all.set(update.id, { id: update.id, interfaceName: local.interfaceName, addresses: update.value.addresses });
    },
    missing() {
      const names = new Set(observeWorkloadLinks().map((link) => link.name));
      return new Map([...all].filter(([, workload]) => !names.has(workload.interfaceName)));
    },
    restoreRoutes() {
      const socket = openNetlink(NETLINK_ROUTE);
      try {
        const wanted = wantedRoutes();
        const indexes = new Set(wanted.map(({ interfaceIndex }) => interfaceIndex));
        const standing = observeRoutes(socket).filter(({ interfaceIndex }) => indexes.has(interfaceIndex));
        const added = wanted.filter((route) => !standing.some((other) => sameRoute(route, other)));
        if (added.length === 0) return;
        for (const failure of applyRoutes(socket, { added, removed: [] })) log.error('restore route', failure.error);
        for (const route of added) log.warn(`route restored: ${formatRoute(route)}`);
      } finally {
        socket.close();
      }
    },
    restoreSettings: () => applySettings(all.keys()),
    followSettings() {
      if (changed.size > 0) applySettings([...changed]);
    },
    has: (interfaceName) => [...all.values()].some((workload) => workload.interfaceName === interfaceName),
  };
}
