// Resources as they stand in the store, as far as policy goes (Calico's reference of resources, "projectcalico.org/v3").

/** One side of a rule; what is not there asks nothing. */
export interface EntityRule {
  readonly nets?: readonly string[];
  readonly notNets?: readonly string[];
  readonly selector?: string;
  readonly notSelector?: string;
  readonly namespaceSelector?: string;
  readonly ports?: readonly (number | string)[];
  readonly notPorts?: readonly (number | string)[];
}

export interface IcmpRule {
  readonly type?: number;
  readonly code?: number;
}

export interface Rule {
  readonly action: 'Allow' | 'Deny' | 'Pass' | 'Log';
  readonly ipVersion?: 4 | 6;
  readonly protocol?: string | number;
  readonly notProtocol?: string | number;
  readonly icmp?: IcmpRule;
  readonly notICMP?: IcmpRule;
  readonly source?: EntityRule;
  readonly destination?: EntityRule;
}

interface Metadata {
  readonly name: string;
  readonly namespace?: string;
  readonly labels?: Readonly<Record<string, string>>;
}

interface PolicySpec {
  readonly tier?: string;
  readonly order?: number;
  readonly selector?: string;
  readonly namespaceSelector?: string;
  readonly types?: readonly ('Ingress' | 'Egress')[];
  /** Of host endpoints: also for what the host forwards; for that and all else, before tracking, or before translation. */
  readonly applyOnForward?: boolean;
  readonly doNotTrack?: boolean;
  readonly preDNAT?: boolean;
  readonly ingress?: readonly Rule[];
  readonly egress?: readonly Rule[];
}

interface EndpointPort {
  readonly name: string;
  readonly protocol: string;
  readonly port: number;
}

interface WorkloadSpec {
  readonly node: string;
  readonly interfaceName: string;
  readonly ipNetworks: readonly string[];
  readonly profiles?: readonly string[];
  readonly ports?: readonly EndpointPort[];
  readonly orchestrator?: string;
}

interface ResourceOf<K extends string, S> {
  readonly apiVersion: 'projectcalico.org/v3';
  readonly kind: K;
  readonly metadata: Metadata;
  readonly spec: S;
}

export type Policy = ResourceOf<'NetworkPolicy' | 'GlobalNetworkPolicy', PolicySpec>;
interface HostSpec {
  readonly node: string;
  readonly interfaceName?: string;
  readonly expectedIPs?: readonly string[];
  readonly profiles?: readonly string[];
  readonly ports?: readonly EndpointPort[];
}

export type Workload = ResourceOf<'WorkloadEndpoint', WorkloadSpec>;
export type HostEndpoint = ResourceOf<'HostEndpoint', HostSpec>;
export type Endpoint = Workload | HostEndpoint;
export type NetworkSet = ResourceOf<'NetworkSet' | 'GlobalNetworkSet', { readonly nets: readonly string[] }>;
export type Tier = ResourceOf<'Tier', { readonly order?: number; readonly defaultAction?: 'Deny' | 'Pass' }>;
export type Profile = ResourceOf<
  'Profile',
  {
    readonly labelsToApply?: Readonly<Record<string, string>>;
    readonly ingress?: readonly Rule[];
    readonly egress?: readonly Rule[];
  }
>;
export type Resource = Policy | Endpoint | NetworkSet | Tier | Profile;

/** All of one kind, in the order in which they are given. */
export function resourcesOf<R extends Resource>(
  resources: readonly Resource[],
  ...kinds: readonly R['kind'][]
): readonly R[] {
  return resources.filter((one): one is R => (kinds as readonly string[]).includes(one.kind));
}
