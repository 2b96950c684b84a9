// What the routing of one node follows from, as parsed values.
import type { Cidr } from '../net/cidr.ts';
import type { Family, Ip, Ipv4, Ipv6 } from '../net/ip.ts';
import type { Labels, Selector } from '../selector/selector.ts';

/** A node of the cluster, this one included. */
export interface RoutingNode {
  readonly name: string;
  /** Undefined: the node does not speak BGP in this family. */
  readonly ipv4?: Ipv4;
  readonly ipv6?: Ipv6;
  readonly asNumber?: number;
  /** The node is a route reflector of this cluster, and not part of the mesh. */
  readonly routeReflectorClusterId?: Ipv4;
  /** Of its own BGPConfiguration `node.<name>`. */
  readonly listenPort?: number;
  readonly labels: Labels;
}

export interface RoutingPool {
  readonly cidr: Cidr;
  /** Routes into a pool with a tunnel are made by the agent, not by BIRD. */
  readonly encapsulation: 'none' | 'ipip' | 'vxlan';
  /** Packets between hosts of one subnet go without the tunnel. */
  readonly isCrossSubnet?: boolean;
  /** Whether BGP may announce it: not disableBGPExport. */
  readonly exported: boolean;
}

/** A standard community `aa:nn` or a large one `aa:nn:mm`, as numbers. */
export type Community = readonly [number, number] | readonly [number, number, number];

/** Routes within `cidr` are tagged. */
interface PrefixAdvertisement {
  readonly cidr: Cidr;
  readonly communities: readonly Community[];
}

/** A workload of this node, with its own labels and those of its profiles. */
export interface RoutingWorkload {
  readonly id: string;
  readonly interfaceName: string;
  readonly addresses: readonly Ip[];
  readonly labels: Labels;
}

/** Where the password of sessions is kept: a name and a key below it. */
export interface PasswordReference {
  readonly name: string;
  readonly key: string;
}

/** What is found there. A session whose password is missing stays closed. */
export type Password =
  /** Of letters that BIRD's configuration can hold between quotes. */
  | { readonly kind: 'found'; readonly text: string }
  /** `why` says nothing of the password itself. */
  | { readonly kind: 'missing'; readonly why: string };

/** BGPConfiguration `default` with what `node.<own name>` says instead. */
export interface BgpSettings {
  /** The cluster's, for nodes without one of their own. Default: 64512. */
  readonly asNumber: number;
  readonly meshEnabled: boolean;
  readonly meshMaxRestartSeconds?: number;
  readonly meshPassword?: PasswordReference;
  /** The addresses at which a node speaks to its workloads, the same on all. */
  readonly workloadPeering?: { readonly 4?: Ipv4; readonly 6?: Ipv6 };
  /** The cluster's, for nodes without one of their own: 1–65535; default: 179. */
  readonly listenPort: number;
  /** Listen on the node's addresses only. */
  readonly bindToNodeIp: boolean;
  /** Patterns of interfaces whose subnets are not to be used for reaching next hops. */
  readonly ignoredInterfaces: readonly string[];
  readonly advertisements: readonly PrefixAdvertisement[];
  /** Whether BIRD puts routes to other nodes' blocks into the kernel (programClusterRoutes). */
  readonly programsRoutes: boolean;
  /** Of routes without a priority of their own: their metric in this node's kernel, and with the peers' (1–2147483646). */
  readonly normalPriority: Readonly<Record<Family, number>>;
  readonly logLevel: 'none' | 'info' | 'debug';
}

/** Which nodes a BGPPeer speaks for: all, or one by name, or some by label. */
export type PeerScope =
  | { readonly kind: 'all' }
  | { readonly kind: 'node'; readonly name: string }
  | { readonly kind: 'nodes'; readonly selector: Selector };

/** Whom they speak to: an address, or nodes or workloads by label. */
export type PeerTarget =
  | { readonly kind: 'address'; readonly address: Ip; readonly port?: number; readonly asNumber: number }
  | { readonly kind: 'nodes'; readonly selector: Selector }
  /** Workloads of the node that speaks. */
  | { readonly kind: 'workloads'; readonly selector: Selector; readonly asNumber: number };

/**
 * What a rule of a BGPFilter asks of a route; all that is there must hold (Calico v3.33,
 * api/pkg/apis/projectcalico/v3/bgpfilter.go).
 */
export interface FilterMatch {
  readonly range?: {
    readonly cidr: Cidr;
    readonly operator: 'equal' | 'not-equal' | 'in' | 'not-in';
    /** For `in` and `not-in`; default: the range's own length, and that of a single address. */
    readonly minPrefixLength?: number;
    readonly maxPrefixLength?: number;
  };
  /** Learned from a peer. */
  readonly fromPeers?: boolean;
  readonly interfacePattern?: string;
  readonly peers?: 'internal' | 'external';
  readonly community?: Community;
  readonly asPathPrefix?: readonly number[];
  readonly priority?: number;
}

export type FilterOperation =
  | { readonly kind: 'add-community'; readonly community: Community }
  | { readonly kind: 'prepend'; readonly asNumbers: readonly number[] }
  /** Lower wins, among peers and in the kernel. */
  | { readonly kind: 'set-priority'; readonly priority: number };

export interface FilterRule {
  readonly match: FilterMatch;
  readonly accept: boolean;
  /** Of an accepting rule, in order. */
  readonly operations: readonly FilterOperation[];
}

export interface FamilyFilter {
  /** Routes that no rule decides about are treated as without the filter. */
  readonly exportRules: readonly FilterRule[];
  readonly importRules: readonly FilterRule[];
}

/** A BGPFilter. */
export interface BgpFilter {
  readonly name: string;
  readonly 4: FamilyFilter;
  readonly 6: FamilyFilter;
}

/** A BGPPeer (Calico v3.33, api/pkg/apis/projectcalico/v3/bgppeer.go). */
export interface BgpPeer {
  readonly name: string;
  readonly scope: PeerScope;
  readonly target: PeerTarget;
  /** The AS number shown to the peer instead of the node's own. */
  readonly localAsNumber?: number;
  readonly nextHop: 'auto' | 'self' | 'keep';
  /** Deprecated: keep the next hop, towards another AS only. */
  readonly keepOriginalNextHop?: boolean;
  /** Speak from the node's address (UseNodeIP) rather than from any. */
  readonly fromNodeIp: boolean;
  readonly maxRestartSeconds?: number;
  readonly keepaliveSeconds?: number;
  readonly allowedLocalAsNumbers?: number;
  /** RFC 2385. */
  readonly password?: PasswordReference;
  /** RFC 5082: the peer is at most this many hops away. */
  readonly ttlSecurityHops?: number;
  /** The gateway towards the peer. */
  readonly reachableBy?: Ip;
  /** Names of BGPFilters, in the order in which they apply. While one is missing nothing is sent or taken. */
  readonly filters?: readonly string[];
  /** Whether nodes that are the target peer back by themselves. */
  readonly reverse: boolean;
}

/** What this node's own sessions follow from, but for those of the mesh. */
export type OwnRouting = Pick<RoutingInput, 'nodeName' | 'nodes' | 'bgp' | 'peers' | 'workloads'>;

export interface RoutingInput {
  /** This node; it must be among `nodes`. */
  readonly nodeName: string;
  readonly nodes: readonly RoutingNode[];
  readonly pools: readonly RoutingPool[];
  /** Blocks whose affinity to this node is confirmed. */
  readonly ownBlocks: readonly Cidr[];
  readonly bgp: BgpSettings;
  readonly peers: readonly BgpPeer[];
  readonly filters?: readonly BgpFilter[];
  /** Of nodes to which packets go encrypted, by the agent's routes. */
  readonly encryptedPeers?: readonly Ip[];
  /** Those of this node. */
  readonly workloads?: readonly RoutingWorkload[];
  /** By passwordId; one that is not here is missing. */
  readonly passwords?: ReadonlyMap<string, Password>;
  /** Default: the node's IPv4 address, or a number from a hash of its name when it has none. */
  readonly routerId?: Ipv4 | 'hash';
}
