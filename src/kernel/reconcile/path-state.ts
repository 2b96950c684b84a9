// What is wanted of the ways to other hosts, as a value: tunnels, which are made for it, routes, and rules that choose their
// table. All of these are recognised as ours by marks of their own, so that what is no longer wanted goes.
import { type Cidr, formatCidr } from '../../net/cidr.ts';
import type { Ip } from '../../net/ip.ts';
import type { Mac } from '../../net/mac.ts';
import type { MarkRule } from '../route/mark-rules.ts';
import { TABLE_MAIN } from '../route/routes.ts';

/** Who is reached through a tunnel: an entry in its forwarding table and a neighbour, neither of which is learned. */
interface TunnelPeer {
  /** Inside of the tunnel. */
  readonly address: Ip;
  readonly mac: Mac;
  /** Where encapsulated packets are sent to. */
  readonly underlay: Ip;
}

interface AnyTunnel {
  /** The source address of encapsulated packets. The link that has it is the one that they leave by, and no tunnel is made before. */
  readonly local: Ip;
  /** Undefined: as much as that link allows. */
  readonly mtuBytes: number | undefined;
  /** Whole addresses, /32 and /128; it has no others. */
  readonly addresses: readonly Ip[];
}

interface VxlanTunnel extends AnyTunnel {
  readonly kind: 'vxlan';
  /** 1–16777215 (RFC 7348). */
  readonly vni: number;
  /** UDP. */
  readonly port: number;
  readonly mac: Mac;
  readonly peers: readonly TunnelPeer[];
}

/** It leads anywhere: the gateway of each route is the other end. */
interface IpipTunnel extends AnyTunnel {
  readonly kind: 'ipip';
}

export type DesiredTunnel = VxlanTunnel | IpipTunnel;

/** By its name, or the one that has an address. */
export type LinkChoice =
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'holder'; readonly address: Ip };

export type DesiredWay =
  /** Right behind the link. */
  | { readonly kind: 'link'; readonly link: LinkChoice }
  /** By way of another host, which is taken to be behind the link whatever the link's addresses are. */
  | { readonly kind: 'gateway'; readonly link: LinkChoice; readonly gateway: Ip }
  /** Nowhere, without a word. */
  | { readonly kind: 'blackhole' }
  /** As if this table had none: the next rule is asked. */
  | { readonly kind: 'throw' };

export interface DesiredPath {
  readonly destination: Cidr;
  readonly table: number;
  readonly way: DesiredWay;
}

export interface PathState {
  /** By name. */
  readonly tunnels: ReadonlyMap<string, DesiredTunnel>;
  /** By `pathKey`. Those through links that are not there, or are down, wait. */
  readonly routes: ReadonlyMap<string, DesiredPath>;
  readonly rules: readonly MarkRule[];
}

export const NO_PATHS: PathState = { tunnels: new Map(), routes: new Map(), rules: [] };

/** `10.1.0.0/26`, `10.1.0.0/26 table 100`. */
export function pathKey({ destination, table }: Pick<DesiredPath, 'destination' | 'table'>): string {
  return table === TABLE_MAIN ? formatCidr(destination) : `${formatCidr(destination)} table ${table}`;
}

/** Of several that want the same tunnel or destination the first has it. */
export function mergePaths(states: readonly PathState[]): PathState {
  const lastFirst = states.toReversed();
  return {
    tunnels: new Map(lastFirst.flatMap(({ tunnels }) => [...tunnels])),
    routes: new Map(lastFirst.flatMap(({ routes }) => [...routes])),
    rules: states.flatMap(({ rules }) => rules),
  };
}
