// What the policy calculation hands out: compiled rules, IP sets and per-endpoint policy, as values without text to parse.
import type { Cidr } from '../net/cidr.ts';
import type { Family, Ip } from '../net/ip.ts';
import type { Mac } from '../net/mac.ts';
import type { PortRange } from '../net/port.ts';

/** Stable name of an IP set, derived from its content's definition (selector, or named port): `s:…` or `n:…`. */
export type IpSetId = string;

/** `address` sets hold single addresses, `cidr` sets ranges, `port` sets (address, protocol, port) triples. */
export type IpSetType = 'address' | 'cidr' | 'port';

export type IpSetMember =
  | { readonly kind: 'address'; readonly address: Ip }
  | { readonly kind: 'cidr'; readonly cidr: Cidr }
  | { readonly kind: 'port'; readonly address: Ip; readonly protocol: number; readonly port: number };

/** One side of a rule. Each non-empty list must be satisfied; positive lists by any member, negated ones by none. */
export interface SideMatch {
  readonly nets: readonly Cidr[];
  readonly notNets: readonly Cidr[];
  /** The address must be in every one of these sets. */
  readonly ipSets: readonly IpSetId[];
  /** The address must be in none of these. */
  readonly notIpSets: readonly IpSetId[];
  /** Numeric ports and `portSets` are alternatives of one another. */
  readonly ports: readonly PortRange[];
  readonly portSets: readonly IpSetId[];
  readonly notPorts: readonly PortRange[];
  readonly notPortSets: readonly IpSetId[];
}

export interface IcmpMatch {
  readonly type: number;
  readonly code?: number;
}

export type RuleAction = 'allow' | 'deny' | 'pass' | 'log';

export interface CompiledRule {
  readonly action: RuleAction;
  readonly family?: Family;
  readonly protocol?: number;
  readonly notProtocol?: number;
  readonly icmp?: IcmpMatch;
  readonly notIcmp?: IcmpMatch;
  readonly source: SideMatch;
  readonly destination: SideMatch;
  /** Annotations of the rule, for comments. */
  readonly comment?: string;
}

export type Direction = 'ingress' | 'egress';

/** `kind/namespace/name` of a policy or `profile//name`; unique in the store. */
export type RuleListId = string;

/** The rules of one policy or profile. A profile that does not exist is a list with one deny rule in both directions. */
export interface RuleList {
  readonly id: RuleListId;
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

/** A workload endpoint of this node, with all that decides about its traffic. */
export interface EndpointPolicy {
  /** `<namespace>/<name>` of the WorkloadEndpoint. */
  readonly id: string;
  readonly interfaceName: string;
  readonly mac: Mac | undefined;
  readonly addresses: readonly Ip[];
  /** Source ranges other than its own addresses that it may send from. */
  readonly allowedSources: readonly Cidr[];
  readonly tiers: readonly TierPolicies[];
  readonly profiles: readonly RuleListId[];
}

/**
 * One step from the last state to the next. Applied in the order given they never name something that is not there:
 * sets before rule lists before endpoints, removals in reverse.
 */
export type PolicyChange =
  | {
      readonly kind: 'set-added';
      readonly id: IpSetId;
      readonly type: IpSetType;
      readonly members: readonly IpSetMember[];
    }
  | {
      readonly kind: 'set-changed';
      readonly id: IpSetId;
      readonly added: readonly IpSetMember[];
      readonly removed: readonly IpSetMember[];
    }
  | { readonly kind: 'set-removed'; readonly id: IpSetId }
  | { readonly kind: 'rules-set'; readonly list: RuleList }
  | { readonly kind: 'rules-removed'; readonly id: RuleListId }
  | { readonly kind: 'endpoint-set'; readonly endpoint: EndpointPolicy }
  | { readonly kind: 'endpoint-removed'; readonly id: string };
