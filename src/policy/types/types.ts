// What the policy calculation hands out: compiled rules, IP sets and per-endpoint policy, as values without text to parse.
import type { Cidr } from '../../net/cidr.ts';
import type { Family, Ip } from '../../net/ip.ts';
import type { Mac } from '../../net/mac.ts';
import type { PortRange } from '../../net/port.ts';
import type { PortMapping } from '../../net/port-mapping.ts';

/**
 * Name of an IP set, derived from its definition: `s:…` addresses that a selector matches, `r:…` the same with ranges
 * among them, `n:…` a named port. An id keeps its type for as long as it lives: when the first range joins (a network
 * set), a set with another id takes the place, and the rule lists that name it are handed out again in the same step.
 */
export type IpSetId = string;

/** One (address, protocol, port) triple of a named port. */
export interface PortMember {
  readonly address: Ip;
  readonly protocol: number;
  readonly port: number;
}

/**
 * Whole content of a set, both families mixed, without duplicates. The members of a `cidr` set never overlap (those
 * that another covers are left out), have no host bits and are never of length 0 (halves are handed out instead).
 */
export type IpSetContent =
  | { readonly type: 'address'; readonly members: readonly Ip[] }
  | { readonly type: 'cidr'; readonly members: readonly Cidr[] }
  | { readonly type: 'port'; readonly members: readonly PortMember[] };

/** What comes into a set and what leaves it; nothing is in both. Apply `removed` first: a range may replace what it covers. */
export type IpSetDelta =
  | { readonly type: 'address'; readonly added: readonly Ip[]; readonly removed: readonly Ip[] }
  | { readonly type: 'cidr'; readonly added: readonly Cidr[]; readonly removed: readonly Cidr[] }
  | { readonly type: 'port'; readonly added: readonly PortMember[]; readonly removed: readonly PortMember[] };

export type IpSetType = IpSetContent['type'];

/**
 * The conditions on one side of a rule that need no set, the same before and after selectors become sets. Each non-empty
 * list must be satisfied: `nets` and `ports` by any member, the `not…` lists by none. A rule with ranges has a family, and
 * all its ranges are of that family.
 */
export interface LiteralMatch {
  readonly nets: readonly Cidr[];
  readonly notNets: readonly Cidr[];
  readonly ports: readonly PortRange[];
  readonly notPorts: readonly PortRange[];
}

/** The conditions on one side of a rule. */
export interface SideMatch extends LiteralMatch {
  /** The address must be in every one of these sets. */
  readonly ipSets: readonly IpSetId[];
  /** The address must be in none of these. */
  readonly notIpSets: readonly IpSetId[];
  /** Alternatives of `ports`. */
  readonly portSets: readonly IpSetId[];
  readonly notPortSets: readonly IpSetId[];
}

/** ICMP in IPv4 packets, ICMPv6 in IPv6 packets. A packet of another protocol never has it (so `notIcmp` holds). */
export interface IcmpMatch {
  readonly type: number;
  /** Undefined for any. */
  readonly code: number | undefined;
}

export type RuleAction = 'allow' | 'deny' | 'pass' | 'log';

/**
 * The conditions of a rule that are not about one side; undefined for none. Every condition is a key that must be there:
 * a rule that loses one on its way into the kernel allows more than it says.
 */
export interface PacketMatch {
  readonly family: Family | undefined;
  readonly protocol: number | undefined;
  readonly notProtocol: number | undefined;
  readonly icmp: IcmpMatch | undefined;
  readonly notIcmp: IcmpMatch | undefined;
}

/** `pass` ends the tier, in a profile it ends that profile; `log` logs and goes on to the next rule. */
export interface CompiledRule extends PacketMatch {
  /** Place in the resource's list, from 0; two rules may have one place, and places may be missing. */
  readonly index: number;
  readonly action: RuleAction;
  readonly source: SideMatch;
  readonly destination: SideMatch;
  /** Annotations of the rule, for comments. */
  readonly comment: string | undefined;
}

/** No condition on packets. */
export const ANY_PACKET: PacketMatch = {
  family: undefined,
  protocol: undefined,
  notProtocol: undefined,
  icmp: undefined,
  notIcmp: undefined,
};

/** No condition on a side. */
export const ANY_SIDE: SideMatch = {
  nets: [],
  notNets: [],
  ipSets: [],
  notIpSets: [],
  ports: [],
  portSets: [],
  notPorts: [],
  notPortSets: [],
};

export type Direction = 'ingress' | 'egress';
export const DIRECTIONS: readonly Direction[] = ['ingress', 'egress'];

/**
 * `NetworkPolicy/<namespace>/<name>`, `GlobalNetworkPolicy//<name>` or `Profile//<name>`; unique in the store. A staged policy
 * has its own kind in the place of the one that it is a trial of.
 */
export type RuleListId = string;

/** Whether it is a policy on trial: it stands among the others of its tier, and decides nothing. */
export function isStaged(id: RuleListId): boolean {
  return id.startsWith('Staged');
}

/** The rules of one policy or profile. A profile that does not exist is a list with one deny rule in both directions. */
export interface RuleList {
  readonly id: RuleListId;
  /** Of policies for host endpoints alone, which decide before others do. */
  readonly early?: 'untracked' | 'pre-dnat';
  readonly ingress: readonly CompiledRule[];
  readonly egress: readonly CompiledRule[];
}

/** The policies of one tier that apply to an endpoint, in order, per direction; a direction with none skips the tier. */
export interface TierPolicies {
  readonly tier: string;
  readonly defaultAction: 'deny' | 'pass';
  readonly ingress: readonly RuleListId[];
  readonly egress: readonly RuleListId[];
}

/** `external` is translated to `internal`, an address of the endpoint; both are of one family. */
export interface FloatingAddress {
  readonly external: Ip;
  readonly internal: Ip;
}

/** Packets per second, and how many more at once after a time without. */
interface PacketRate {
  readonly rate: number;
  readonly burst: number;
}

/** What an endpoint may be sent, or send, whatever policy says; undefined: as much as can. */
export interface DirectionLimits {
  readonly packets?: PacketRate;
  /** At a time. */
  readonly connections?: number;
}

export interface TrafficLimits {
  readonly ingress: DirectionLimits;
  readonly egress: DirectionLimits;
  /** Of packets that it sends to the world: the differentiated services code point (RFC 2474). */
  readonly dscp?: number;
}

/**
 * A workload endpoint of this node, with all that decides about its traffic: tiers in order, then profiles in order,
 * then drop. No two endpoints handed out have the same interface name. Equal policy lists are often one shared array.
 */
export interface EndpointPolicy {
  /** `<namespace>/<name>` of the WorkloadEndpoint. */
  readonly id: string;
  readonly interfaceName: string;
  readonly mac: Mac | undefined;
  readonly addresses: readonly Ip[];
  /** Source ranges other than its own addresses that it may send from. */
  readonly allowedSources: readonly Cidr[];
  readonly floating?: readonly FloatingAddress[];
  /** Ports of its host that lead to it. */
  readonly portMappings?: readonly PortMapping[];
  readonly limits?: TrafficLimits | undefined;
  readonly tiers: readonly TierPolicies[];
  readonly profiles: readonly RuleListId[];
}

/** Which interfaces of its host an endpoint is: the one of a name, all (`*`), or where no name is given, those with an address. */
export interface HostInterface {
  readonly interfaceName: string | undefined;
  readonly expectedIps: readonly Ip[];
  /** Which interfaces it is about cannot be read: it is about all, and lets nothing through. */
  readonly closed: boolean;
}

/** The policies of a host endpoint, by the packets that they decide about. */
export interface HostTiers {
  /** Before connection tracking; no tier of them ends in deny. */
  readonly untracked: readonly TierPolicies[];
  /** Before address translation, inwards alone; no tier of them ends in deny. */
  readonly preDnat: readonly TierPolicies[];
  /** What the host forwards; allowed where there are none. */
  readonly forward: readonly TierPolicies[];
  /** What the host's own programs send and get; then profiles in order, then drop. */
  readonly normal: readonly TierPolicies[];
}

/** A host endpoint of this node. Several may be about one interface: that with the smallest id counts. */
export interface HostEndpointPolicy extends HostInterface, HostTiers {
  /** `HostEndpoint//<name>`. */
  readonly id: string;
  readonly profiles: readonly RuleListId[];
}

/**
 * One step from the last state to the next. Applied in this order they never name something that is not there:
 * removed endpoints first (their interface names are free then), sets before rule lists before endpoints, then the
 * rule lists and sets that nothing names any more.
 */
export type PolicyChange =
  | ({ readonly kind: 'set-added'; readonly id: IpSetId } & IpSetContent)
  | ({ readonly kind: 'set-changed'; readonly id: IpSetId } & IpSetDelta)
  | { readonly kind: 'set-removed'; readonly id: IpSetId }
  | { readonly kind: 'rules-set'; readonly list: RuleList }
  | { readonly kind: 'rules-removed'; readonly id: RuleListId }
  | { readonly kind: 'endpoint-set'; readonly endpoint: EndpointPolicy }
  | { readonly kind: 'endpoint-removed'; readonly id: string }
  | { readonly kind: 'host-endpoint-set'; readonly endpoint: HostEndpointPolicy }
  | { readonly kind: 'host-endpoint-removed'; readonly id: string };
