// The ways to the addresses of other hosts that this host's agent makes, as a value: own tunnels, the ends of the others', routes,
// and own blocks. What becomes of it in the kernel is the kernel's side to say.
import type { Cidr } from '../net/cidr.ts';
import type { Family, Ip } from '../net/ip.ts';
import type { Mac } from '../net/mac.ts';

/** The devices, by the names that Calico gives them (Calico v3.33, felix/dataplane/linux/dataplanedefs). */
export const VXLAN_LINKS: Readonly<Record<Family, string>> = { 4: 'vxlan.calico', 6: 'vxlan-v6.calico' };
export const IPIP_LINK = 'tunl0';

/** This host's end of the VXLAN (RFC 7348). */
export interface VxlanTunnel {
  /** The host's address that the encapsulated packets come from; the link that has it is the parent. */
  readonly underlay: Ip;
  readonly address: Ip;
  readonly mac: Mac;
  readonly vni: number;
  /** UDP port, of this host's and of all others'. */
  readonly port: number;
  /** Undefined: what the parent has, without what encapsulation takes. */
  readonly mtuBytes: number | undefined;
}

/** This host's end of IP-in-IP (RFC 2003). */
export interface IpipTunnel {
  readonly underlay: Ip;
  /** Undefined while the host has none. */
  readonly address: Ip | undefined;
  /** As of a VxlanTunnel. */
  readonly mtuBytes: number | undefined;
}

/** Another host's end of the VXLAN. */
export interface VxlanPeer {
  /** Its node's name. */
  readonly node: string;
  /** Where encapsulated packets go. */
  readonly underlay: Ip;
  readonly address: Ip;
  readonly mac: Mac;
}

/** How packets leave this host. Gateways are on the link, whatever other routes say. */
export type Way =
  /** By the VXLAN device; the gateway is the tunnel address of a peer. */
  | { readonly kind: 'vxlan'; readonly gateway: Ip }
  /** By the IP-in-IP device; the gateway is the host's own address, outside of the tunnel. */
  | { readonly kind: 'ipip'; readonly gateway: Ip }
  /** By the link that has this host's own address, as they are; the gateway is the other host's address. */
  | { readonly kind: 'direct'; readonly gateway: Ip };

export interface ClusterRoute {
  /** A block, or a single address of somebody else's block. */
  readonly destination: Cidr;
  readonly way: Way;
}

/** Of one family. The maps are live. */
export interface FamilyRoutes {
  /** This host's address and subnet between hosts; undefined while it has none, and then there are no routes. */
  readonly underlay: Cidr | undefined;
  readonly vxlan: VxlanTunnel | undefined;
  readonly ipip: IpipTunnel | undefined;
  /** By node. Empty without a tunnel of this host's own. */
  readonly peers: ReadonlyMap<string, VxlanPeer>;
  /** By destination, in text. */
  readonly routes: ReadonlyMap<string, ClusterRoute>;
  /** Own blocks of more than one address, by their text: what nobody there has leads nowhere else. */
  readonly blackholes: ReadonlyMap<string, Cidr>;
}

export type ClusterRoutes = Readonly<Record<Family, FamilyRoutes>>;

/** Undefined: it was not there, or is not any more. */
export interface Change<T> {
  readonly before: T | undefined;
  readonly after: T | undefined;
}

/** What is other than before; empty lists where nothing is. */
export interface FamilyRouteChanges {
  /** A tunnel of this host, or the host's own address: whatever leads by it is to be looked at. */
  readonly isOwnChanged: boolean;
  readonly peers: readonly Change<VxlanPeer>[];
  readonly routes: readonly Change<ClusterRoute>[];
  readonly blackholes: readonly Change<Cidr>[];
}

export type ClusterRouteChanges = Readonly<Record<Family, FamilyRouteChanges>>;
