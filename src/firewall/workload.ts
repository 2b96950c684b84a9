// What one workload endpoint adds to the table's sets and maps, and where it speaks BGP with the host; nothing else is its own.

import { type Cidr, lastOf } from '../net/cidr.ts';
import { familyOf, type Ip } from '../net/ip.ts';
import { linkLocalOf } from '../net/mac.ts';
import { bytesOfInterfaceName, bytesOfIp, bytesOfU16, INTERFACE_NAME_BYTES, padToWord } from '../nftables/bytes.ts';
import type { Bytes, Verdict } from '../nftables/nft.ts';
import { ofFamily, withoutCovered } from '../nftables/ranges.ts';
import type { EndpointPolicy } from '../policy/types/types.ts';
import * as names from './names.ts';

export interface OwnedElement {
  readonly set: string;
  readonly key: Bytes;
  readonly verdict?: Verdict;
}

/**
 * Whether an interface can be a workload's at all: a name with our prefix that the kernel can hold. Others are not
 * touched by our rules, and naming them would not change that.
 */
export function isWorkloadInterface(name: string, prefix: string): boolean {
  return name.startsWith(prefix) && name.length < INTERFACE_NAME_BYTES && /^[A-Za-z0-9._-]+$/.test(name);
}

/** Ranges stay in their own set whatever their size, so that one of another size takes its place at one instant. */
function sources(endpoint: EndpointPolicy, allowed: readonly Cidr[]): readonly OwnedElement[] {
  const name = bytesOfInterfaceName(endpoint.interfaceName);
  const single = endpoint.addresses.map((address) => ({
    set: names.sourcesSet(familyOf(address)),
    key: name + bytesOfIp(address),
  }));
  const ranges = ([4, 6] as const).flatMap((family) =>
    withoutCovered(ofFamily(allowed, family)).map((cidr) => ({
      set: names.sourceRangesSet(family),
      key: name + bytesOfIp(cidr.address) + name + bytesOfIp(lastOf(cidr)),
    })),
  );
  return [...single, ...ranges];
}

/** Only single addresses: a range has more than the host's table of neighbours holds. */
function discoverySources(endpoint: EndpointPolicy): readonly OwnedElement[] {
  const own = endpoint.addresses.filter((address) => familyOf(address) === 6);
  const linkLocal = endpoint.mac === undefined ? [] : [linkLocalOf(endpoint.mac)];
  const name = bytesOfInterfaceName(endpoint.interfaceName);
  return [...linkLocal, ...own].map((address) => ({
    set: names.DISCOVERY_SOURCES_SET,
    key: name + bytesOfIp(address),
  }));
}

function arpSources(endpoint: EndpointPolicy, allowed: readonly Cidr[]): readonly OwnedElement[] {
  const name = bytesOfInterfaceName(endpoint.interfaceName);
  const own = endpoint.addresses.filter((address) => familyOf(address) === 4);
  const senders = own.map((address) => ({ set: names.ARP_SENDERS_SET, key: name + bytesOfIp(address) }));
  const mayAnswer = ofFamily(allowed, 4).length > 0;
  return [...senders, ...(mayAnswer ? [{ set: names.ARP_ANSWERERS_SET, key: name }] : [])];
}

/** Its place in the maps, its name, and the sources it may send from: its own, and ranges that it is allowed. */
export function computeWorkloadElements(
  endpoint: EndpointPolicy,
  allowedSources: readonly Cidr[],
  egressChain: string,
  ingressChain: string,
): readonly OwnedElement[] {
  const key = bytesOfInterfaceName(endpoint.interfaceName);
  return [
    { set: names.EGRESS_MAP, key, verdict: { kind: 'jump', chain: egressChain } },
    { set: names.INGRESS_MAP, key, verdict: { kind: 'jump', chain: ingressChain } },
    { set: names.WORKLOADS_SET, key },
    ...sources(endpoint, allowedSources),
    ...discoverySources(endpoint),
    ...arpSources(endpoint, allowedSources),
  ];
}

export interface Peering {
  /** The workload's link. */
  readonly interfaceName: string;
  /** The host's, which may be one that no workload reaches otherwise. */
  readonly address: Ip;
  readonly port: number;
}

/** Where workloads may speak BGP with the host: those that a BGPPeer selects, and no others. */
export function computePeeringElements(peerings: readonly Peering[]): readonly OwnedElement[] {
  const ports = peerings.map(({ interfaceName, address, port }) => ({
    set: names.peeringsSet(familyOf(address)),
    key: bytesOfInterfaceName(interfaceName) + bytesOfIp(address) + padToWord(bytesOfU16(port)),
  }));
  const addresses = new Set(peerings.map(({ address }) => address));
  return [
    ...ports,
    ...[...addresses].map((address) => ({
      set: names.peeringAddressesSet(familyOf(address)),
      key: bytesOfIp(address),
    })),
  ];
}
