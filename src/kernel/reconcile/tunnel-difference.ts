// Which tunnels are to be made, corrected and removed, from what is wanted and what links there are.
import { sameContent } from '../../base/equal.ts';
import { OcicatError } from '../../base/errors.ts';
import { encapsulationBytes } from '../../net/encapsulation.ts';
import { familyOf, type Ip } from '../../net/ip.ts';
import { LOOPBACK_INDEX } from '../link/links.ts';
import { TUNNEL_GROUP, type TunnelIdentity, type TunnelLink } from '../link/tunnel-link.ts';
import type { LinkAddress } from '../route/addresses.ts';
import type { DesiredTunnel, PathState } from './path-state.ts';

export interface ObservedHost {
  readonly links: readonly TunnelLink[];
  readonly addresses: readonly LinkAddress[];
}

interface PlacedTunnel {
  readonly name: string;
  readonly identity: TunnelIdentity;
  readonly mtuBytes: number;
}

export interface TunnelDifference {
  /** Of no use any more, and those in whose place one is made. */
  readonly removed: readonly TunnelLink[];
  readonly made: readonly PlacedTunnel[];
  readonly corrected: readonly (PlacedTunnel & { readonly index: number })[];
  /** Those whose place somebody else's link has. */
  readonly failures: readonly OcicatError[];
}

/** Where the host's address is on no link to others, but on the loopback interface, those are taken to be Ethernet. */
const ETHERNET_MTU_BYTES = 1500;

/** The link that has an address; undefined when none has it. */
function holderOf({ links, addresses }: ObservedHost, address: Ip): TunnelLink | undefined {
  const index = addresses.find((one) => one.address.address === address)?.interfaceIndex;
  return links.find((link) => link.index === index);
}

function identityOf(tunnel: DesiredTunnel, parentIndex: number): TunnelIdentity {
  if (tunnel.kind === 'ipip') return { kind: 'ipip' };
  const { kind, vni, port, local, mac } = tunnel;
  return { kind, vni, port, parentIndex: parentIndex === LOOPBACK_INDEX ? 0 : parentIndex, local, mac };
}

/** Undefined while no link has the address that it is to send from. */
function place(name: string, tunnel: DesiredTunnel, host: ObservedHost): PlacedTunnel | undefined {
  const parent = holderOf(host, tunnel.local);
  if (parent === undefined) return undefined;
  const outerBytes = parent.index === LOOPBACK_INDEX ? ETHERNET_MTU_BYTES : parent.mtuBytes;
  const mtuBytes = tunnel.mtuBytes ?? outerBytes - encapsulationBytes(tunnel.kind, familyOf(tunnel.local));
  return { name, identity: identityOf(tunnel, parent.index), mtuBytes };
}

export function isOurTunnel({ group, tunnelKind }: TunnelLink): boolean {
  return group === TUNNEL_GROUP && tunnelKind !== undefined;
}

/** A tunnel that somebody else made to do the same, Calico's for example, is taken over. */
function computeOne(placed: PlacedTunnel, there: TunnelLink | undefined): Partial<TunnelDifference> {
  if (there === undefined) return { made: [placed] };
  const { index, up, isBent, group, mtuBytes } = there;
  if (sameContent(there.identity, placed.identity)) {
    const isRight = up && !isBent && group === TUNNEL_GROUP && mtuBytes === placed.mtuBytes;
    return isRight ? {} : { corrected: [{ ...placed, index }] };
  }
  if (isOurTunnel(there)) return { removed: [there], made: [placed] };
  const text = `make link "${placed.name}": somebody else's has the name, and is another one`;
  return { failures: [new OcicatError('kernel', text)] };
}

export function computeTunnelDifference({ tunnels }: Pick<PathState, 'tunnels'>, host: ObservedHost): TunnelDifference {
  const byName = new Map(host.links.map((link) => [link.name, link]));
  const parts = [...tunnels].flatMap(([name, tunnel]) => {
    const placed = place(name, tunnel, host);
    return placed === undefined ? [] : [computeOne(placed, byName.get(name))];
  });
  const unwanted = host.links.filter((link) => isOurTunnel(link) && !tunnels.has(link.name));
  return {
    removed: [...unwanted, ...parts.flatMap(({ removed = [] }) => removed)],
    made: parts.flatMap(({ made = [] }) => made),
    corrected: parts.flatMap(({ corrected = [] }) => corrected),
    failures: parts.flatMap(({ failures = [] }) => failures),
  };
}
