// Ports of a host that lead to ports of a workload: which, how they are written, and when two of them want the same.
import { cidrContains, parseCidr } from './cidr.ts';
import { type Family, familyOf, formatIp, type Ip, tryParseIp } from './ip.ts';
import type { PortRange } from './port.ts';
import { hasPorts, protocolName, tryParseProtocol } from './protocol.ts';

export interface PortMapping {
  /** The address of the host that it is reached at; undefined: all of both families. 0.0.0.0 or ::, all of one. */
  readonly hostAddress: Ip | undefined;
  /** 1 to 65535, as `containerPort`. */
  readonly hostPort: number;
  readonly containerPort: number;
  /** The number of TCP, UDP or SCTP. */
  readonly protocol: number;
  /** How many ports from these two on lead one to one; at least 1, and none of them beyond 65535. */
  readonly count: number;
}

/** What of a mapping is the host's. */
export type HostPorts = Omit<PortMapping, 'containerPort'>;

const MAX_PORT = 65_535;
const LOOPBACKS = ['127.0.0.0/8', '::1/128'].map(parseCidr);
const FAMILIES = [4, 6] as const;

export function hostPortsOf({ hostPort, count }: Pick<PortMapping, 'hostPort' | 'count'>): PortRange {
  return { min: hostPort, max: hostPort + count - 1 };
}

function containerPortsOf({ containerPort, count }: PortMapping): PortRange {
  return { min: containerPort, max: containerPort + count - 1 };
}

/** Whether it is for every address of the host that its families allow. */
export function isForAllAddresses({ hostAddress }: Pick<PortMapping, 'hostAddress'>): boolean {
  return hostAddress === undefined || BigInt(hostAddress) === 0n;
}

/** Those in which the host is reached. */
export function familiesOfMapping({ hostAddress }: Pick<PortMapping, 'hostAddress'>): readonly Family[] {
  return hostAddress === undefined ? FAMILIES : [familyOf(hostAddress)];
}

/** The families in which programs of the host reach one of them at an address of the host's loopback. */
export function familiesFromLoopback(mappings: readonly Pick<PortMapping, 'hostAddress'>[]): readonly Family[] {
  const reached = mappings.filter((mapping) => {
    const { hostAddress } = mapping;
    if (hostAddress === undefined || isForAllAddresses(mapping)) return true;
    return LOOPBACKS.some((range) => cidrContains(range, hostAddress));
  });
  return FAMILIES.filter((family) => reached.some((mapping) => familiesOfMapping(mapping).includes(family)));
}

/** Whether one socket could not have both ports of the host, as bind(2) says it. */
export function wantSamePort(a: HostPorts, b: HostPorts): boolean {
  const [first, second] = [hostPortsOf(a), hostPortsOf(b)];
  const overlap = a.protocol === b.protocol && first.min <= second.max && second.min <= first.max;
  const families = familiesOfMapping(b);
  if (!overlap || !familiesOfMapping(a).some((family) => families.includes(family))) return false;
  return isForAllAddresses(a) || isForAllAddresses(b) || a.hostAddress === b.hostAddress;
}

function formatAddress(address: Ip): string {
  return familyOf(address) === 4 ? `${formatIp(address)}:` : `[${formatIp(address)}]:`;
}

function formatRange({ min, max }: PortRange): string {
  return min === max ? `${min}` : `${min}-${max}`;
}

/** `8080/tcp`, `127.0.0.1:8000-8009/tcp`. */
export function formatHostPorts(mapping: PortMapping): string {
  const address = mapping.hostAddress === undefined ? '' : formatAddress(mapping.hostAddress);
  return `${address}${formatRange(hostPortsOf(mapping))}/${protocolName(mapping.protocol)?.toLowerCase()}`;
}

/** As Docker's and podman's `--publish` write it: `8080:80/tcp`, `[::1]:8000-8009:80-89/udp`. */
export function formatPortMapping(mapping: PortMapping): string {
  const [host = '', protocol = ''] = formatHostPorts(mapping).split('/');
  return `${host}:${formatRange(containerPortsOf(mapping))}/${protocol}`;
}

/** Undefined unless its ports are there, its protocol has ports, and the host's address is one by itself. */
export function tryMakePortMapping(mapping: PortMapping): PortMapping | undefined {
  const { hostPort, containerPort, protocol, count } = mapping;
  const isWhole = [hostPort, containerPort, count].every((value) => Number.isInteger(value) && value >= 1);
  const last = Math.max(hostPort, containerPort) + count - 1;
  return isWhole && last <= MAX_PORT && hasPorts(protocol) ? mapping : undefined;
}

/** Those that go on where one before ends become one with it: clients ask for each port of a range by itself. */
export function joinPortMappings(mappings: readonly PortMapping[]): readonly PortMapping[] {
  const joined: PortMapping[] = [];
  for (const next of mappings) {
    const { hostAddress, protocol, hostPort, containerPort, count } = joined.at(-1) ?? next;
    const goesOn = next.hostPort === hostPort + count && next.containerPort === containerPort + count;
    if (goesOn && next.hostAddress === hostAddress && next.protocol === protocol)
      joined.splice(-1, 1, { ...next, hostPort, containerPort, count: count + next.count });
    else joined.push(next);
  }
  return joined;
}

const WRITTEN = /^(?:(\[[^\]]+\]|[^:[\]]+):)?(\d{1,5})(?:-(\d{1,5}))?:(\d{1,5})(?:-(\d{1,5}))?\/(tcp|udp|sctp)$/;

/** What formatPortMapping has written; undefined for anything else. */
export function tryParsePortMapping(text: string): PortMapping | undefined {
  const [, address, host = '', hostLast = host, container = '', containerLast = container, protocol = ''] =
    WRITTEN.exec(text) ?? [];
  const hostAddress = address === undefined ? undefined : tryParseIp(address.replace(/^\[(.*)\]$/, '$1'));
  const count = Number(hostLast) - Number(host) + 1;
  if (address !== undefined && hostAddress === undefined) return undefined;
  if (Number(containerLast) - Number(container) + 1 !== count) return undefined;
  const ports = { hostPort: Number(host), containerPort: Number(container), count };
  return tryMakePortMapping({ hostAddress, ...ports, protocol: tryParseProtocol(protocol) ?? 0 });
}
