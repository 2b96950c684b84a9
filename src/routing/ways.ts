// What this host's own ends of tunnels are, and which way leads to another node, in one family.
import { type Cidr, cidrContains, isHostCidr } from '../net/cidr.ts';
import { type Family, familyOf } from '../net/ip.ts';
import type { NodeEnd, RouteSettings } from './cluster-input.ts';
import type { IpipTunnel, VxlanPeer, VxlanTunnel, Way } from './cluster-routes.ts';
import type { RoutingPool } from './input.ts';

/** This host as the ways begin there. */
export interface OwnEnds {
  readonly underlay: Cidr | undefined;
  readonly vxlan: VxlanTunnel | undefined;
  readonly ipip: IpipTunnel | undefined;
}

export const NO_ENDS: OwnEnds = { underlay: undefined, vxlan: undefined, ipip: undefined };

/** Whether the routes into the pool are this agent's to make. */
export function makesRoutes({ makes }: RouteSettings, { encapsulation }: RoutingPool): boolean {
  return encapsulation === 'vxlan' ? makes.vxlan !== false : makes[encapsulation];
}

function computeVxlan(
  own: NodeEnd,
  { makes, vni, port, vxlanMtuBytes }: RouteSettings,
  pools: readonly RoutingPool[],
): VxlanTunnel | undefined {
  const isWanted = makes.vxlan ?? pools.some(({ encapsulation }) => encapsulation === 'vxlan');
  if (own.vxlan === undefined || !isWanted) return undefined;
  const { address } = own.underlay;
  return { underlay: address, ...own.vxlan, vni, port, mtuBytes: vxlanMtuBytes[familyOf(address)] };
}

function computeIpip(
  own: NodeEnd,
  { makes, ipipMtuBytes }: RouteSettings,
  pools: readonly RoutingPool[],
): IpipTunnel | undefined {
  const hasPool = pools.some(({ encapsulation }) => encapsulation === 'ipip');
  if (!makes.ipip || !hasPool) return undefined;
  return { underlay: own.underlay.address, address: own.ipip, mtuBytes: ipipMtuBytes };
}

/** `pools`: those of the family. */
export function computeOwnEnds(
  own: NodeEnd | undefined,
  settings: RouteSettings,
  pools: readonly RoutingPool[],
): OwnEnds {
  if (own === undefined) return NO_ENDS;
  return {
    underlay: own.underlay,
    vxlan: computeVxlan(own, settings, pools),
    ipip: computeIpip(own, settings, pools),
  };
}

/** Undefined without a tunnel of this host's own. */
export function computePeer(own: OwnEnds, node: string, end: NodeEnd): VxlanPeer | undefined {
  if (own.vxlan === undefined || end.vxlan === undefined) return undefined;
  return { node, underlay: end.underlay.address, ...end.vxlan };
}

/** Both say so: where one does not know its subnet the two encapsulate, so that the way back is the same. */
function isSameSubnet(a: Cidr, b: Cidr): boolean {
  return !isHostCidr(a) && !isHostCidr(b) && cidrContains(a, b.address) && cidrContains(b, a.address);
}

/** Into the pool, to the node that has this end, and is this peer. */
export function computeWay(
  own: OwnEnds,
  { encapsulation, isCrossSubnet }: RoutingPool,
  end: NodeEnd,
  peer: VxlanPeer | undefined,
): Way | undefined {
  if (own.underlay === undefined) return undefined;
  const gateway = end.underlay.address;
  const isNear = isCrossSubnet === true && isSameSubnet(own.underlay, end.underlay);
  if (encapsulation === 'none' || isNear) return { kind: 'direct', gateway };
  if (encapsulation === 'ipip') return own.ipip && { kind: 'ipip', gateway };
  return peer && { kind: 'vxlan', gateway: peer.address };
}

/** The addresses of one family. */
export function isOf(family: Family, { address }: Cidr): boolean {
  return familyOf(address) === family;
}
