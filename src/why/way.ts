// What host endpoints say of a packet on its way through the hosts of its workloads: where it comes in from a workload or from
// others, and where it leaves to them. Links of workloads have the policy of an endpoint of all interfaces alone.
import { EARLY } from '../policy/oracle/host-verdict.ts';
import type { Packet } from '../policy/oracle/packet.ts';
import type { PolicySnapshot } from '../policy/oracle/snapshot.ts';
import { DEFAULT_FAILSAFES } from '../policy/types/failsafe.ts';
import type { PolicyPhase } from '../policy/types/input.ts';
import type { Direction } from '../policy/types/types.ts';
import type { Cluster } from './cluster.ts';
import type { Path } from './hosts.ts';
import type { Walk } from './walk.ts';
import { walkHostEndpoint } from './walk-host.ts';

/** At a host endpoint that has something to say. */
export interface WayWalk extends Walk {
  readonly endpoint: string;
  readonly host: string;
}

export interface Way {
  /** In the order in which the packet meets them. */
  readonly walks: readonly WayWalk[];
  /** Ids of host endpoints that say different things where the store does not tell which of them the packet passes. */
  readonly unjudged: readonly string[];
}

/** An interface of a host that the packet passes. */
interface Gate {
  readonly host: string;
  readonly direction: Direction;
  readonly link: 'workload' | 'others';
  readonly phases: readonly PolicyPhase[];
}

const COMING_IN: readonly PolicyPhase[] = [...EARLY, 'forward'];
const LEAVING: readonly PolicyPhase[] = ['forward'];

/** `from`, `to`: the hosts of the workloads that the ends are. */
function gatesOf(path: Path, from: string | undefined, to: string | undefined): readonly Gate[] {
  const fromWorkload = { direction: 'ingress', link: 'workload' } as const;
  if (path === 'from-host') return [];
  if (path === 'to-host') return from === undefined ? [] : [{ host: from, ...fromWorkload, phases: EARLY }];
  const gates: Gate[] = [];
  if (from !== undefined) gates.push({ host: from, ...fromWorkload, phases: COMING_IN });
  if (from !== to && from !== undefined)
    gates.push({ host: from, direction: 'egress', link: 'others', phases: LEAVING });
  if (from !== to && to !== undefined)
    gates.push({ host: to, direction: 'ingress', link: 'others', phases: COMING_IN });
  if (to !== undefined) gates.push({ host: to, direction: 'egress', link: 'workload', phases: LEAVING });
  return gates;
}

/** The endpoints, by name, of which one is about the interface: that which expects an address of the host, if one does. */
function candidatesAt({ host, link }: Gate, { hosts, snapshot }: Cluster): readonly string[] {
  const { endpoints = [], addresses = [] } = hosts.get(host) ?? {};
  const inputOf = (id: string) => snapshot.endpoints.get(id);
  const ofAll = endpoints.filter((id) => inputOf(id)?.host?.interfaceName === '*').slice(0, 1);
  const named = endpoints.filter((id) => inputOf(id)?.host?.interfaceName !== '*');
  if (link === 'workload' || named.length === 0) return ofAll;
  const expecting = named.find((id) => inputOf(id)?.addresses.some((one) => addresses.includes(one)));
  return expecting === undefined ? named : [expecting];
}

function walkGate(gate: Gate, packet: Packet, snapshot: PolicySnapshot, cluster: Cluster): readonly WayWalk[] {
  const { host, direction, phases } = gate;
  const failsafes = cluster.hosts.get(host)?.failsafes ?? DEFAULT_FAILSAFES;
  return candidatesAt(gate, cluster).map((endpoint) => ({
    ...walkHostEndpoint(direction, endpoint, packet, snapshot, { phases, failsafes }),
    ...{ endpoint, host },
  }));
}

const saysSomething = ({ tiers, verdict }: WayWalk) => tiers.length > 0 || verdict.action === 'deny';

/** Between the hosts of two workloads; undefined for an end that is none. */
interface Route {
  readonly path: Path;
  readonly from: string | undefined;
  readonly to: string | undefined;
}

export function walkWay({ path, from, to }: Route, packet: Packet, snapshot: PolicySnapshot, cluster: Cluster): Way {
  const each = gatesOf(path, from, to).map((gate) => walkGate(gate, packet, snapshot, cluster));
  const isSure = (walks: readonly WayWalk[]) => new Set(walks.map(({ verdict }) => verdict.action)).size === 1;
  const unsure = each.filter((walks) => walks.length > 0 && !isSure(walks)).flat();
  return {
    walks: each.filter(isSure).flatMap((walks) => walks.find(saysSomething) ?? []),
    unjudged: [...new Set(unsure.filter(saysSomething).map(({ endpoint }) => endpoint))],
  };
}

/** Host endpoints that may have a say. */
export function endpointsOnWay({ path, from, to }: Route, cluster: Cluster): readonly string[] {
  return gatesOf(path, from, to).flatMap((gate) => candidatesAt(gate, cluster));
}
