// What a lab consists of: its segments, each a subnet of every family, its hosts spread over them, and where the services are.
import { OcicatError } from '../base/errors.ts';

export type LabFamily = 'ipv4' | 'ipv6';

/** What is asked for. */
export interface LabShape {
  readonly nodes: number;
  readonly segments: number;
  readonly families: readonly LabFamily[];
}

interface LabSubnet {
  readonly family: LabFamily;
  /** In CIDR form. */
  readonly range: string;
  /** The router's address, which the hosts of the segment have as their gateway. */
  readonly gateway: string;
}

export interface LabSegment {
  /** From 1. */
  readonly number: number;
  readonly bridge: string;
  /** One of each family of the lab. */
  readonly subnets: readonly LabSubnet[];
}

export interface LabNode {
  /** `calico-01`, `calico-02`, … */
  readonly name: string;
  /** The number of its segment. */
  readonly segment: number;
  /** On the underlay, one of each family of the lab. */
  readonly addresses: readonly string[];
}

export interface LabPlan {
  readonly name: string;
  readonly families: readonly LabFamily[];
  readonly segments: readonly LabSegment[];
  readonly nodes: readonly LabNode[];
}

export const MAX_NODES = 99;
export const PREFIX_LENGTHS: Readonly<Record<LabFamily, number>> = { ipv4: 24, ipv6: 64 };
/** Of the router in each segment; that in the first is where the services listen. */
const ROUTER_NUMBER = 254;

/** A lab's name: 1 to 32 lower-case letters, digits and inner dashes; throws `invalid`. */
export function parseLabName(text: string): string {
  if (/^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$/.test(text)) return text;
  throw new OcicatError('invalid', `lab name "${text}": 1 to 32 lower-case letters, digits and inner dashes wanted`);
}

function tryParseCount(text: string): number {
  return /^\d{1,2}$/.test(text) ? Number(text) : 0;
}

/** How many hosts: 1 to MAX_NODES; throws `invalid`. */
export function parseNodeCount(text: string): number {
  const count = tryParseCount(text);
  if (count >= 1) return count;
  throw new OcicatError('invalid', `number of hosts "${text}": 1 to ${MAX_NODES} wanted`);
}

/** How many segments: each has a host at least; throws `invalid`. */
export function parseSegmentCount(text: string, nodes: number): number {
  const count = tryParseCount(text);
  if (count >= 1 && count <= nodes) return count;
  throw new OcicatError('invalid', `number of segments "${text}": 1 to ${nodes} wanted, the number of hosts`);
}

/**
 * The digits of an IPv4 address are those of the IPv6 address of the same host. Neither clashes with the pools of a lab, nor
 * with rkt's 172.16.28.0/24.
 */
function addressOn(family: LabFamily, segment: number, host: number): string {
  if (family === 'ipv4') return `10.99.${segment - 1}.${host}`;
  return segment === 1 ? `fd99::${host}` : `fd99:0:0:${segment - 1}::${host}`;
}

function computeSegment(number: number, families: readonly LabFamily[]): LabSegment {
  const subnets = families.map((family) => ({
    family,
    range: `${addressOn(family, number, 0).replace(/::0$/, '::')}/${PREFIX_LENGTHS[family]}`,
    gateway: addressOn(family, number, ROUTER_NUMBER),
  }));
  return { number, bridge: number === 1 ? 'underlay' : `underlay-${number}`, subnets };
}

/** Hosts with neighbouring numbers share a segment; none has more than one host more than another. */
export function computeLabPlan(name: string, { nodes, segments, families }: LabShape): LabPlan {
  return {
    name,
    families,
    segments: Array.from({ length: segments }, (_, index) => computeSegment(index + 1, families)),
    nodes: Array.from({ length: nodes }, (_, index) => {
      const segment = Math.floor((index * segments) / nodes) + 1;
      const addresses = families.map((family) => addressOn(family, segment, index + 1));
      return { name: `calico-${String(index + 1).padStart(2, '0')}`, segment, addresses };
    }),
  };
}

/** Where etcd and the registry listen, the address that hosts ask first. */
export function servicesAddresses(plan: LabPlan): readonly string[] {
  return plan.segments[0]?.subnets.map(({ gateway }) => gateway) ?? [];
}

export function etcdUrls(plan: LabPlan): readonly string[] {
  return servicesAddresses(plan).map((address) => printUrl(address, 2379));
}

/** The one that hosts are given. */
export function etcdUrl(plan: LabPlan): string {
  return etcdUrls(plan)[0] ?? '';
}

export function registryUrl(plan: LabPlan): string {
  return printUrl(servicesAddresses(plan)[0] ?? '', 5000);
}

function printUrl(address: string, port: number): string {
  return address.includes(':') ? `http://[${address}]:${port}` : `http://${address}:${port}`;
}

const FAMILY_WORDS: Readonly<Record<string, string>> = { ipv6: ', IPv6 alone', 'ipv4,ipv6': ', IPv4 and IPv6' };

/** `2 hosts`, `4 hosts in 2 segments, IPv6 alone`: the same for the same shape. */
export function formatShape({ nodes, segments, families }: LabPlan): string {
  const spread = segments.length === 1 ? '' : ` in ${segments.length} segments`;
  return `${nodes.length} hosts${spread}${FAMILY_WORDS[families.join()] ?? ''}`;
}

/** /etc/hosts of every host: itself, the others and the services. */
export function printHostsFile(plan: LabPlan): string {
  const lines = plan.nodes.flatMap(({ name, addresses }) => addresses.map((address) => `${address} ${name}`));
  const services = servicesAddresses(plan).map((address) => `${address} underlay`);
  return ['127.0.0.1 localhost', '::1 localhost ip6-localhost', ...lines, ...services, ''].join('\n');
}
