// What a node's own workloads want of the kernel: a router's settings at the host end of each link, and a route and a neighbour
// for each address behind it.
import type { LinkBandwidth } from '../../net/bandwidth.ts';
import { formatCidr, hostCidr } from '../../net/cidr.ts';
import type { Family, Ip } from '../../net/ip.ts';
import type { Mac } from '../../net/mac.ts';
import { familiesOf } from '../link/workload-link-spec.ts';
import { type KernelState, mergeStates, stateOfLinks } from './state.ts';

export interface LocalWorkload {
  /** `<namespace>/<name>` of the endpoint. */
  readonly id: string;
  readonly interfaceName: string;
  readonly addresses: readonly Ip[];
  /** Those that are translated to one of `addresses`: they lead here too, and nobody behind the link has them. */
  readonly floating: readonly Ip[];
  /** Undefined where it is not known: then the addresses get no neighbour entry. */
  readonly mac: Mac | undefined;
  /** Whether it may send from addresses that do not lie behind its link. */
  readonly maySpoof: boolean;
  /** Families in which programs of the host reach it from the host's own loopback addresses. */
  readonly fromLoopback: readonly Family[];
  /** How much it may be sent and send. */
  readonly bandwidth: LinkBandwidth;
  /** Some address could not be read. */
  readonly isPartial: boolean;
}

function routedTo({ addresses, floating }: Pick<LocalWorkload, 'addresses' | 'floating'>): readonly Ip[] {
  return [...addresses, ...floating];
}

/** Of one workload. */
export function computeWorkloadState(workload: Omit<LocalWorkload, 'id'>): KernelState {
  const { interfaceName, addresses, mac, maySpoof, fromLoopback, bandwidth, isPartial } = workload;
  const settings = { families: familiesOf(addresses), maySpoof, routeLocalnet: fromLoopback.includes(4) };
  const answersLoopback6 = fromLoopback.includes(6);
  const routes = routedTo(workload)
    .map(hostCidr)
    .map((destination) => ({ destination, interfaceName }));
  return {
    links: new Map([[interfaceName, { settings, bandwidth, isWhole: !isPartial, answersLoopback6 }]]),
    routes: new Map(routes.map((route) => [formatCidr(route.destination), route])),
    neighbours: mac === undefined ? [] : addresses.map((address) => ({ interfaceName, address, mac })),
  };
}

/**
 * Of all. When two endpoints claim an address, the one whose id sorts first has it, so that the result does not depend on who
 * came first.
 */
export function computeWorkloadsState(workloads: readonly LocalWorkload[]): KernelState {
  const sorted = [...workloads].sort((a, b) => (a.id < b.id ? -1 : 1));
  return mergeStates(sorted.map(computeWorkloadState));
}

/** What all want of these links alone, from those that have one of them or claim an address of theirs. */
export function computeStateOfLinks(workloads: readonly LocalWorkload[], names: ReadonlySet<string>): KernelState {
  const isNamed = ({ interfaceName }: LocalWorkload): boolean => names.has(interfaceName);
  const addresses = new Set(workloads.filter(isNamed).flatMap(routedTo));
  const claimants = workloads.filter((one) => isNamed(one) || routedTo(one).some((address) => addresses.has(address)));
  return stateOfLinks(computeWorkloadsState(claimants), names);
}
