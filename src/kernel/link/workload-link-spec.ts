// What a workload's link is: a veth pair with one end in the pod, known by its name, its MAC address and its alias.
import type { Cidr } from '../../net/cidr.ts';
import { type Family, familyOf, type Ip, parseIp } from '../../net/ip.ts';
import { linkLocalOf, type Mac, parseMac } from '../../net/mac.ts';
import type { Link } from './links.ts';

/** Host ends of workload links begin with this (InterfacePrefix of Calico v3.33, felix/config/config_params.go). */
const WORKLOAD_LINK_PREFIX = 'cali';
/** As Calico's driver for Docker named them (projectcalico/libnetwork-plugin v1.1.3, driver/network_driver.go). */
const HANDOVER_PREFIX = 'temp';

/**
 * Every host end has this address, so that a pod keeps its gateway when it meets another host (Calico v3.33,
 * cni-plugin/pkg/dataplane/linux/dataplane_linux.go).
 */
export const HOST_MAC: Mac = parseMac('ee:ee:ee:ee:ee:ee');

/**
 * The gateways that pods see (Calico v3.33, cni-plugin/pkg/dataplane/linux/dataplane_linux.go); the IPv6 one follows from
 * HOST_MAC by EUI-64 (RFC 4291 appendix A).
 */
const IPV4_GATEWAY: Ip = parseIp('169.254.1.1');
const IPV6_GATEWAY: Ip = linkLocalOf(HOST_MAC);

/** The link group of host ends whose MTU is fixed; nobody else's, see REMOVAL_GROUP. */
export const FIXED_MTU_GROUP = 0x0c1ca8;

const ALIAS_PREFIX = 'ocicat:';
/** Kernel: IFALIASZ, with the terminating zero. */
const MAX_ALIAS_BYTES = 255;

export interface WorkloadLinkSpec {
  /**
   * The pod's network namespace; stays the caller's. undefined: the pod's end stays on the host, with nothing on it, until somebody
   * else takes it to the pod.
   */
  readonly netnsFd: number | undefined;
  /** Name in the pod: CNI_IFNAME; of an end that stays on the host `handoverNameOf`. */
  readonly containerName: string;
  /** Name on the host: WORKLOAD_LINK_PREFIX and up to 11 characters. */
  readonly hostName: string;
  /** `<namespace>/<name>` of the endpoint; becomes the host end's alias. */
  readonly endpoint: string;
  /** Of the end in the pod. */
  readonly mac: Mac;
  /** 68–65535; default: the kernel's 1500. */
  readonly mtuBytes?: number;
  /** The MTU is the network's own, and does not follow the uplinks'. */
  readonly isMtuFixed?: boolean;
  /** Transmit and receive queues of each end, at least 1. */
  readonly queues: number;
  readonly addresses: readonly Ip[];
  /** What is sent through the gateway of its family by this interface also where another one has the preference. */
  readonly routes?: readonly Cidr[];
  /** Whether every other interface of the pod has the preference, whatever its name. */
  readonly isLast?: boolean;
  /** Whether the pod may forward packets itself; it may when one of its interfaces allows it. */
  readonly allowForwarding: boolean;
}

/** What raising needs to know; a WorkloadLinkSpec has it. */
export interface RaisedLink {
  readonly hostName: string;
  readonly mac: Mac;
  readonly addresses: readonly Ip[];
  /** Families in which programs of the host reach it from the host's own loopback addresses; default: none. */
  readonly fromLoopback?: readonly Family[];
}

/** A link that createWorkloadLink has made. */
export interface WorkloadLink {
  readonly hostName: string;
  readonly hostIndex: number;
  readonly containerIndex: number;
}

export function gatewayOf(family: 4 | 6): Ip {
  return family === 4 ? IPV4_GATEWAY : IPV6_GATEWAY;
}

/** The name that the pod's end of a link has on the host until somebody takes it to the pod; as unique as the other end's. */
export function handoverNameOf(hostName: string): string {
  return `${HANDOVER_PREFIX}${hostName.slice(WORKLOAD_LINK_PREFIX.length)}`;
}

/** The families that have an address, 4 first. */
export function familiesOf(addresses: readonly Ip[]): readonly (4 | 6)[] {
  return ([4, 6] as const).filter((family) => addresses.some((ip) => familyOf(ip) === family));
}

/** The alias of an endpoint's host link, cut to what the kernel keeps. */
export function computeAlias(endpoint: string): string {
  return `${ALIAS_PREFIX}${endpoint}`.slice(0, MAX_ALIAS_BYTES);
}

/** The endpoint in a link's alias; undefined when the alias is not ours. */
export function endpointOf(link: Link): string | undefined {
  return link.alias?.startsWith(ALIAS_PREFIX) ? link.alias.slice(ALIAS_PREFIX.length) : undefined;
}

/** Whether the alias says all of the endpoint: the kernel has no room for a very long one. */
export function isWholeAlias(link: Link): boolean {
  return (link.alias ?? '').length < MAX_ALIAS_BYTES;
}

/** Ours by alias, or by name and MAC address when its maker was stopped before it could write the alias. */
export function isWorkloadLink(link: Link): boolean {
  return link.name.startsWith(WORKLOAD_LINK_PREFIX) && (endpointOf(link) !== undefined || link.mac === HOST_MAC);
}
