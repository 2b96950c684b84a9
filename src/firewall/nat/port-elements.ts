// What one endpoint's port mappings are in the maps from ports of the host to endpoints: an element for each port and family, or
// for a range that leads to the same ports of the endpoint one for all.
import { type Family, familyOf, type Ip } from '../../net/ip.ts';
import { familiesOfMapping, hostPortsOf, isForAllAddresses, type PortMapping } from '../../net/port-mapping.ts';
import { bytesOfIp, bytesOfU8, bytesOfU16, padToWord } from '../../nftables/bytes.ts';
import { splitInterval } from '../../nftables/keys.ts';
import type { Bytes, ElementValue, KeyType, SetSpec } from '../../nftables/nft.ts';
import { type PortMapKind, portMap } from './names.ts';

export interface PortElement {
  readonly set: SetSpec;
  readonly key: Bytes;
  readonly value: ElementValue;
}

/** Protocol and port take one each, before the address. */
const WORD = 4;
const ADDRESS: Readonly<Record<Family, KeyType>> = { 4: 'ipv4_addr', 6: 'ipv6_addr' };

function computePortMap(kind: PortMapKind, family: Family): SetSpec {
  const isOfOne = kind.endsWith('-at');
  const isRange = kind.startsWith('range');
  return {
    name: portMap(kind, family),
    key: ['inet_proto', 'inet_service', ...(isOfOne ? [ADDRESS[family]] : [])],
    interval: isRange,
    verdicts: false,
    values: isRange ? [ADDRESS[family]] : [ADDRESS[family], 'inet_service'],
  };
}

function keyOf({ protocol, hostAddress }: PortMapping, port: number): Bytes {
  const address = hostAddress === undefined || BigInt(hostAddress) === 0n ? '' : bytesOfIp(hostAddress);
  return padToWord(bytesOfU8(protocol)) + padToWord(bytesOfU16(port)) + address;
}

function elementsTo(mapping: PortMapping, internal: Ip): readonly PortElement[] {
  const suffix = isForAllAddresses(mapping) ? '' : '-at';
  const family = familyOf(internal);
  const { hostPort, containerPort, count } = mapping;
  if (count > 1 && hostPort === containerPort) {
    const { min, max } = hostPortsOf(mapping);
    const key = keyOf(mapping, min) + keyOf(mapping, max);
    return [
      { set: computePortMap(`range${suffix}`, family), key, value: { kind: 'value', bytes: bytesOfIp(internal) } },
    ];
  }
  const set = computePortMap(`port${suffix}`, family);
  return Array.from({ length: count }, (_, at) => {
    const bytes = bytesOfIp(internal) + padToWord(bytesOfU16(containerPort + at));
    return { set, key: keyOf(mapping, hostPort + at), value: { kind: 'value', bytes } };
  });
}

/** Whether two elements of a map of ranges have a port of the same protocol and address in common. */
export function overlap(a: PortElement, b: PortElement): boolean {
  const [[first, last], [otherFirst, otherLast]] = [splitInterval(a.set, a.key), splitInterval(b.set, b.key)];
  const frame = (key: Bytes) => key.slice(0, WORD) + key.slice(2 * WORD);
  const port = (key: Bytes) => key.slice(WORD, 2 * WORD);
  return frame(first) === frame(otherFirst) && port(first) <= port(otherLast) && port(otherFirst) <= port(last);
}

/** Each mapping leads to the first address of each of its families. */
export function computePortElements(
  mappings: readonly PortMapping[],
  addresses: readonly Ip[],
): readonly PortElement[] {
  return mappings.flatMap((mapping) =>
    familiesOfMapping(mapping).flatMap((family) => {
      const internal = addresses.find((address) => familyOf(address) === family);
      return internal === undefined ? [] : elementsTo(mapping, internal);
    }),
  );
}
