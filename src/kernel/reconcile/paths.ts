// Makes the ways to other hosts as they are wanted. By looking at all that is there; or, where it is known what changes, by that
// alone, without a look.
import type { OcicatError } from '../../base/errors.ts';
import { cidrContains, formatCidr, parseCidr } from '../../net/cidr.ts';
import type { Ip } from '../../net/ip.ts';
import * as netlink from '../../sys/netlink.ts';
import { LOOPBACK_INDEX } from '../link/links.ts';
import { observeTunnelLinks, type TunnelLink } from '../link/tunnel-link.ts';
import { observeAddresses } from '../route/addresses.ts';
import { forwardingKey, observeForwarding } from '../route/forwarding.ts';
import { observeMarkRules } from '../route/mark-rules.ts';
import { observeNeighbours } from '../route/neighbours.ts';
import { observeRoutes, PATH_PROTOCOL, TABLE_ANY } from '../route/routes.ts';
import { applyPaths } from './apply-paths.ts';
import { allowIpv6, makeTunnels, removeTunnels } from './apply-tunnels.ts';
import { type FindLink, type KernelPaths, resolvePaths } from './kernel-paths.ts';
import { computePathDifference, type PathDifference } from './path-difference.ts';
import type { PathState } from './path-state.ts';
import { computeTunnelDifference, isOurTunnel, type ObservedHost, type TunnelDifference } from './tunnel-difference.ts';

/** Each link gives itself one. */
const LINK_LOCAL = parseCidr('fe80::/10');

export interface PathOutcome {
  /** What was not as wanted. */
  readonly tunnels: Pick<TunnelDifference, 'removed' | 'made' | 'corrected'>;
  readonly paths: PathDifference;
  /** What is not as wanted still, and why. */
  readonly failures: readonly OcicatError[];
}

/** What is ours or led by, as the last look has found it: tells the kernel's notifications that matter from others. */
export interface PathMarks {
  /** The address of the socket by which the kernel is changed, see KernelEvent. */
  readonly portId: number;
  /** Numbers of our tunnels, and of other links by which something leads that are chosen by name. */
  readonly tunnels: ReadonlySet<number>;
  /** Names of links that something leads by, or would if they were there. */
  readonly links: ReadonlySet<string>;
  /** Addresses by which links are chosen. */
  readonly addresses: ReadonlySet<Ip>;
  /** By `formatCidr`: destinations of routes that could not be made. */
  readonly blocked: ReadonlySet<string>;
  /** By `forwardingKey`: those that are wanted. */
  readonly forwarding: ReadonlySet<string>;
}

export interface Paths {
  /** All of it. Throws `kernel` when the kernel cannot be read. */
  reconcile(desired: PathState): PathOutcome;
  /**
   * From the one to the other; both may be parts that have the same tunnels, with those peers, routes and rules that change. Tunnels
   * are left as they are. What it does not find as it was before is left to `reconcile`.
   */
  change(before: PathState, after: PathState): PathOutcome;
  readonly marks: PathMarks;
  close(): void;
}

function observeHost(socket: netlink.Netlink): ObservedHost {
  return { links: observeTunnelLinks(socket), addresses: observeAddresses(socket) };
}

/** Links that are up; somebody else's that has the name of a tunnel is none. */
function finderOf({ links, addresses }: ObservedHost, { tunnels }: PathState): FindLink {
  const isOther = (link: TunnelLink) => tunnels.has(link.name) && !isOurTunnel(link);
  const up = links.filter((link) => link.up && link.index !== LOOPBACK_INDEX && !isOther(link));
  const named = new Map(up.map(({ name, index }) => [name, index]));
  const numbers = new Set(named.values());
  const held = new Map(addresses.toReversed().map(({ address, interfaceIndex }) => [address.address, interfaceIndex]));
  return (choice) => {
    const index = choice.kind === 'name' ? named.get(choice.name) : held.get(choice.address);
    return index !== undefined && numbers.has(index) ? index : undefined;
  };
}

type FoundMarks = Pick<PathMarks, 'tunnels' | 'links' | 'addresses'>;

function marksOf({ links, addresses }: ObservedHost, desired: PathState): FoundMarks {
  const names = new Set(desired.tunnels.keys());
  const chosen = new Set([...desired.tunnels.values()].map(({ local }) => local));
  for (const { way } of desired.routes.values()) {
    if (way.kind === 'blackhole' || way.kind === 'throw') continue;
    if (way.link.kind === 'name') names.add(way.link.name);
    else chosen.add(way.link.address);
  }
  // a link that loses its last address loses its routes, and the kernel tells of the address alone
  const own = links.filter((link) => isOurTunnel(link) || names.has(link.name)).map(({ index }) => index);
  const holders = addresses.filter(({ address }) => chosen.has(address.address));
  const numbers = new Set(holders.map(({ interfaceIndex }) => interfaceIndex));
  for (const { name, index } of links) if (numbers.has(index)) names.add(name);
  return { tunnels: new Set(own), links: names, addresses: chosen };
}

/** What is ours, whoever wants it. */
function observePaths(
  socket: netlink.Netlink,
  { links, addresses }: ObservedHost,
  isWanted: (name: string) => boolean,
): KernelPaths {
  const tunnels = links.filter((link) => isOurTunnel(link) && isWanted(link.name));
  const own = new Set(tunnels.map(({ index }) => index));
  return {
    routes: observeRoutes(socket, { table: TABLE_ANY, protocol: PATH_PROTOCOL }),
    addresses: addresses.filter(
      ({ interfaceIndex, address }) => own.has(interfaceIndex) && !cidrContains(LINK_LOCAL, address.address),
    ),
    neighbours: tunnels.flatMap(({ index }) => observeNeighbours(socket, index)),
    forwarding: tunnels.flatMap(({ index, tunnelKind }) =>
      tunnelKind === 'vxlan' ? observeForwarding(socket, index) : [],
    ),
    rules: observeMarkRules(socket),
  };
}

const NO_TUNNELS = { removed: [], made: [], corrected: [] };

/** In the network namespace of the socket, the calling thread's if none is given. Synchronous throughout. Throws `kernel`. */
export function openPaths(socket = netlink.openNetlink(netlink.NETLINK_ROUTE)): Paths {
  let find: FindLink = () => undefined;
  let found: FoundMarks = { tunnels: new Set(), links: new Set(), addresses: new Set() };
  const blocked = new Set<string>();
  const forwarding = new Set<string>();

  function forgetBlocked({ set, replaced, removed }: PathDifference['routes']): void {
    if (blocked.size === 0) return;
    for (const { destination } of [...set, ...replaced, ...removed]) blocked.delete(formatCidr(destination));
  }

  /** What the kernel tells of it is no news then. */
  function expectForwarding({ set, removed }: PathDifference['forwarding']): void {
    for (const entry of removed) forwarding.delete(forwardingKey(entry));
    for (const entry of set) forwarding.add(forwardingKey(entry));
  }

  function apply(paths: PathDifference): readonly OcicatError[] {
    forgetBlocked(paths.routes);
    expectForwarding(paths.forwarding);
    const applied = applyPaths(socket, paths);
    for (const { destination } of applied.blocked) blocked.add(formatCidr(destination));
    return applied.failures;
  }

  return {
    reconcile(desired) {
      const before = observeHost(socket);
      const tunnels = computeTunnelDifference(desired, before);
      const makeFailures = makeTunnels(socket, tunnels);
      const host = tunnels.made.length + tunnels.corrected.length > 0 ? observeHost(socket) : before;
      const ipv6Failures = allowIpv6(desired.tunnels, host);
      find = finderOf(host, desired);
      found = marksOf(host, desired);
      blocked.clear();
      forwarding.clear();
      const wanted = resolvePaths(desired, find);
      expectForwarding({ set: wanted.forwarding, removed: [] });
      const there = observePaths(socket, host, (name) => desired.tunnels.has(name));
      const paths = computePathDifference(wanted, there);
      const failures = apply(paths);
      const unwanted = tunnels.removed.filter(({ name }) => !desired.tunnels.has(name));
      const left = removeTunnels(socket, unwanted);
      return {
        tunnels,
        paths,
        failures: [...tunnels.failures, ...makeFailures, ...ipv6Failures, ...failures, ...left],
      };
    },
    change(before, after) {
      const paths = computePathDifference(resolvePaths(after, find), resolvePaths(before, find));
      return { tunnels: NO_TUNNELS, paths, failures: apply(paths) };
    },
    get marks() {
      return { ...found, blocked, forwarding, portId: socket.portId };
    },
    close: socket.close,
  };
}
