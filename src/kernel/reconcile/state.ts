// What is wanted of the links of workloads, and of the routes and neighbours behind them, as a value. Whoever wants something
// there says so in one, and they are merged before the kernel is made equal to it.
import type { LinkBandwidth } from '../../net/bandwidth.ts';
import type { Cidr } from '../../net/cidr.ts';
import type { Ip } from '../../net/ip.ts';
import type { Mac } from '../../net/mac.ts';
import type { HostSettings } from '../link/workload-link-host.ts';

interface DesiredLink {
  readonly settings: HostSettings;
  readonly bandwidth: LinkBandwidth;
  /** All that leads through it is in the state; where that is not known, nothing is taken away. */
  readonly isWhole: boolean;
  /** Whether answers to ::1 of this host come back by the link; those to 127.0.0.0/8 do by a setting. */
  readonly answersLoopback6: boolean;
}

interface DesiredRoute {
  readonly destination: Cidr;
  readonly interfaceName: string;
}

interface DesiredNeighbour {
  readonly interfaceName: string;
  readonly address: Ip;
  readonly mac: Mac;
}

export interface KernelState {
  /** By name. Links are made and removed by whoever attaches: one that is not there, or is down, wants nothing yet. */
  readonly links: ReadonlyMap<string, DesiredLink>;
  /** By destination. */
  readonly routes: ReadonlyMap<string, DesiredRoute>;
  readonly neighbours: readonly DesiredNeighbour[];
}

function mergeFirst<V>(maps: readonly ReadonlyMap<string, V>[]): ReadonlyMap<string, V> {
  const [first, ...others] = maps.filter(({ size }) => size > 0);
  if (first !== undefined && others.length === 0) return first;
  const merged = new Map<string, V>();
  for (const map of maps) for (const [key, value] of map) if (!merged.has(key)) merged.set(key, value);
  return merged;
}

/** Of several that want the same link or destination the first has it. */
export function mergeStates(states: readonly KernelState[]): KernelState {
  return {
    links: mergeFirst(states.map(({ links }) => links)),
    routes: mergeFirst(states.map(({ routes }) => routes)),
    neighbours: states.flatMap(({ neighbours }) => neighbours),
  };
}

/** What is wanted of these links alone. */
export function stateOfLinks({ links, routes, neighbours }: KernelState, names: ReadonlySet<string>): KernelState {
  return {
    links: new Map([...links].filter(([name]) => names.has(name))),
    routes: new Map([...routes].filter(([, { interfaceName }]) => names.has(interfaceName))),
    neighbours: neighbours.filter(({ interfaceName }) => names.has(interfaceName)),
  };
}
