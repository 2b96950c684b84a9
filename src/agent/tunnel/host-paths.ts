// The ways from this host to the others, kept in the kernel as the cluster has them: what a change makes other at once, and all of
// it at the start and whenever somebody else may have touched it.
import type { KernelEvent } from '../../kernel/event/events.ts';
import { isPathEvent } from '../../kernel/event/path-event.ts';
import { mergePaths, NO_PATHS, type PathState } from '../../kernel/reconcile/path-state.ts';
import type { PathOutcome, Paths } from '../../kernel/reconcile/paths.ts';
import { PATH_PROTOCOL } from '../../kernel/route/routes.ts';
import { cidrFamily, formatCidr } from '../../net/cidr.ts';
import type { ClusterRouteChanges, ClusterRoutes } from '../../routing/cluster-routes.ts';
import type { Log } from '../../sys/log.ts';
import { computeChangedPaths, computeClusterPaths } from './cluster-paths.ts';
import { describePaths } from './path-report.ts';
import type { TunnelSupport } from './tunnel-support.ts';

export interface HostPaths {
  /** The cluster is known whole: what an earlier agent has left is made as it is wanted. */
  start(): void;
  /** The cluster's ways are other by this; they are in the kernel when it returns. */
  follow(changes: ClusterRouteChanges): void;
  /** What is wanted beside the cluster's ways, instead of what was said before. */
  setOthers(paths: PathState): void;
  /** Compares all of it with the kernel; does nothing before the start. */
  reconcile(): void;
  /** Whether something that is wanted may be otherwise now. */
  isConcerned(event: KernelEvent): boolean;
}

export interface HostPathsContext {
  readonly paths: Paths;
  readonly routes: ClusterRoutes;
  readonly support: TunnelSupport;
  readonly log: Log;
}

function isChange({ peers, routes, blackholes }: ClusterRouteChanges[4]): boolean {
  return peers.length + routes.length + blackholes.length > 0;
}

/** Of the links by which something leads. */
function linkNames({ routes }: PathState): ReadonlySet<string> {
  const links = [...routes.values()].flatMap(({ way }) => ('link' in way ? [way.link] : []));
  return new Set(links.flatMap((link) => (link.kind === 'name' ? [link.name] : [])));
}

/**
 * Somebody else's route where one of ours is wanted: whoever writes last has the place, and nobody is told that the other's is gone.
 * BIRD writes one again that it has still to give up.
 */
function isInTheWay(event: KernelEvent, wanted: ClusterRoutes): boolean {
  if (event.kind !== 'route' || event.route.protocol === PATH_PROTOCOL) return false;
  const { destination } = event.route;
  const { routes, blackholes } = wanted[cidrFamily(destination)];
  const key = formatCidr(destination);
  return routes.has(key) || blackholes.has(key);
}

export function createHostPaths({ paths, routes, support, log }: HostPathsContext): HostPaths {
  let others = NO_PATHS;
  let isStarted = false;
  const complaints = new Set<string>();

  /** What fails again is said once. */
  function complain({ failures }: PathOutcome): void {
    const standing = new Set(failures.map(({ message }) => message));
    for (const failure of failures)
      if (!complaints.has(failure.message)) log.error('make the ways to other hosts', failure);
    complaints.clear();
    for (const message of standing) complaints.add(message);
  }

  function apply(outcome: PathOutcome, tell: (line: string) => void, done: string): void {
    for (const line of describePaths(outcome, done)) tell(line);
    complain(outcome);
  }

  function look(tell: (line: string) => void, done: string): void {
    apply(paths.reconcile(mergePaths([computeClusterPaths(routes, support.unmade()), others])), tell, done);
  }

  return {
    start() {
      isStarted = true;
      look(log.info, 'set');
    },
    follow(changes) {
      if (!isStarted) return;
      if (changes[4].isOwnChanged || changes[6].isOwnChanged) return look(log.info, 'set');
      if (!isChange(changes[4]) && !isChange(changes[6])) return;
      const { before, after } = computeChangedPaths(routes, changes, support.unmade());
      apply(paths.change(before, after), log.info, 'set');
    },
    setOthers(next) {
      const before = others;
      others = next;
      if (!isStarted) return;
      const known = linkNames(before);
      const isKnown = [...linkNames(next)].every((name) => known.has(name));
      // a link that nothing has led by is to be looked for, and its coming to be waited for
      if (isKnown) apply(paths.change(before, next), log.info, 'set');
      else look(log.info, 'set');
    },
    reconcile() {
      if (isStarted) look(log.warn, 'restored');
    },
    isConcerned: (event) => isStarted && (isPathEvent(event, paths.marks) || isInTheWay(event, routes)),
  };
}
