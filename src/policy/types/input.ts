// What the policy calculation takes in: the store's resources as parsed values, one update at a time.
import type { LinkBandwidth } from '../../net/bandwidth.ts';
import type { Cidr } from '../../net/cidr.ts';
import type { Ip } from '../../net/ip.ts';
import type { Mac } from '../../net/mac.ts';
import type { PortMapping } from '../../net/port-mapping.ts';
import type { Selector } from '../../selector/selector.ts';
import {
  ANY_PACKET,
  type FloatingAddress,
  type HostInterface,
  type LiteralMatch,
  type PacketMatch,
  type RuleAction,
  type RuleListId,
  type TrafficLimits,
} from './types.ts';

/** Label name → value. */
export type LabelMap = Readonly<Record<string, string>>;

/** A named port of an endpoint. */
export interface NamedPort {
  readonly name: string;
  readonly protocol: number;
  readonly port: number;
}

/** What is known only of an endpoint of this node. */
export interface LocalInterface {
  readonly interfaceName: string;
  readonly mac: Mac | undefined;
  readonly allowedSources: readonly Cidr[];
  readonly floating?: readonly FloatingAddress[];
  readonly portMappings?: readonly PortMapping[];
  readonly bandwidth?: LinkBandwidth;
  readonly limits?: TrafficLimits;
}

/** In a list of profiles: one whose name could not be read. No profile has this name, so it denies. */
export const UNKNOWN_PROFILE = '';

/** The tier of a policy whose own could not be read; it comes before all others. */
export const UNKNOWN_TIER = '';

/** A workload endpoint or a host endpoint of any node. */
export interface EndpointInput {
  readonly labels: LabelMap;
  /** Names of profiles in order. Labels that could not be read count as those of an UNKNOWN_PROFILE that comes first. */
  readonly profiles: readonly string[];
  readonly addresses: readonly Ip[];
  readonly ports: readonly NamedPort[];
  /** Some address or port could not be read: it may have any. */
  readonly partial: boolean;
  /** Undefined on every node but the endpoint's own, and of host endpoints. */
  readonly local: LocalInterface | undefined;
  /** What a host endpoint of this node protects. */
  readonly host?: HostInterface;
}

export interface NetworkSetInput {
  readonly labels: LabelMap;
  readonly profiles: readonly string[];
  /** Without host bits; of length 1 or more. */
  readonly nets: readonly Cidr[];
  /** Some range could not be read: it may have any. */
  readonly partial: boolean;
}

/** One side of a rule, before selectors become sets. Conditions as in SideMatch; a negated port also needs `selector`. */
export interface EntityMatch extends LiteralMatch {
  readonly selector: Selector | undefined;
  readonly notSelector: Selector | undefined;
  /** Alternatives of `ports`. */
  readonly namedPorts: readonly string[];
  readonly notNamedPorts: readonly string[];
}

export interface RuleInput extends PacketMatch {
  /** Place in the resource's list, from 0; rules that can never match are left out, so places may be missing. */
  readonly index: number;
  readonly action: RuleAction;
  readonly source: EntityMatch;
  readonly destination: EntityMatch;
  readonly comment: string | undefined;
}

export interface ProfileInput {
  /** Undefined when they could not be read. */
  readonly labelsToApply: LabelMap | undefined;
  readonly ingress: readonly RuleInput[];
  readonly egress: readonly RuleInput[];
}

export interface TierInput {
  /** Infinity when the tier has none. */
  readonly order: number;
  readonly defaultAction: 'deny' | 'pass';
  /** Its place among the tiers could not be read: it comes first, and all its policies deny. */
  readonly closed: boolean;
}

/**
 * Which packets of a host endpoint a policy decides about (Calico's documentation, "Global network policy"): those of the
 * host's own programs; the forwarded ones too (`applyOnForward`); all, before connections are tracked (`doNotTrack`); what
 * comes in, before its destination is translated (`preDNAT`). Workloads know the first two, and no difference between them.
 */
export type PolicyPhase = 'normal' | 'forward' | 'untracked' | 'pre-dnat';

export interface PolicyInput {
  /** UNKNOWN_TIER when it could not be read. */
  readonly tier: string;
  /** Infinity when the policy has none. */
  readonly order: number;
  /** Which endpoints it applies to, with namespace and service account folded in. */
  readonly selector: Selector;
  /** Undefined when the policy's types leave the direction out. */
  readonly ingress: readonly RuleInput[] | undefined;
  readonly egress: readonly RuleInput[] | undefined;
  readonly phase: PolicyPhase;
  /** Hand its rules out even when it applies to no endpoint of this node. */
  readonly neededEverywhere: boolean;
}

/**
 * One resource that now has this value, or is gone when `value` is undefined. Ids: `<namespace>/<name>` of a workload
 * endpoint, `HostEndpoint//<name>`, `<kind>/<namespace>/<name>` of a network set, the bare name of a tier or profile,
 * a RuleListId for a policy. `in-sync` says that the first snapshot has been fed whole.
 */
export type PolicyUpdate =
  | { readonly kind: 'endpoint'; readonly id: string; readonly value: EndpointInput | undefined }
  | { readonly kind: 'network-set'; readonly id: string; readonly value: NetworkSetInput | undefined }
  | { readonly kind: 'profile'; readonly id: string; readonly value: ProfileInput | undefined }
  | { readonly kind: 'tier'; readonly id: string; readonly value: TierInput | undefined }
  | { readonly kind: 'policy'; readonly id: RuleListId; readonly value: PolicyInput | undefined }
  | { readonly kind: 'in-sync' };

/** Whether it is for host endpoints alone. */
export function isHostOnly({ phase }: Pick<PolicyInput, 'phase'>): boolean {
  return phase === 'untracked' || phase === 'pre-dnat';
}

/** No condition on a side. */
export const ANY_ENTITY: EntityMatch = {
  nets: [],
  notNets: [],
  selector: undefined,
  notSelector: undefined,
  ports: [],
  namedPorts: [],
  notPorts: [],
  notNamedPorts: [],
};

/** A rule for every packet. */
export function blanketRule(action: RuleAction, index = 0): RuleInput {
  return { index, action, ...ANY_PACKET, source: ANY_ENTITY, destination: ANY_ENTITY, comment: undefined };
}

/** Profiles that are always there, though in no store (Calico v3.33, api/pkg/apis/projectcalico/v3/profile.go). */
export const BUILT_IN_PROFILES: ReadonlyMap<string, ProfileInput> = new Map([
  [
    'projectcalico-default-allow',
    { labelsToApply: {}, ingress: [blanketRule('allow')], egress: [blanketRule('allow')] },
  ],
]);
