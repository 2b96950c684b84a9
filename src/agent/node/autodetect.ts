// Finds the address that other hosts reach this one by (Calico v3.33, node/pkg/lifecycle/startup/autodetection).
import { lookup } from 'node:dns/promises';
import { type NetworkInterfaceInfo, networkInterfaces } from 'node:os';
import { OcicatError } from '../../base/errors.ts';
import { type Cidr, cidrContains, parseCidr } from '../../net/cidr.ts';
import type { Family } from '../../net/ip.ts';
import type { DetectionMethod } from '../config/settings.ts';

/** Interfaces that carry containers or tunnels and never the host's own address. */
const NEVER_FIRST =
  /^(docker|cbr|dummy|podman|virbr|lxcbr|veth|lo|br-|cali|tunl|flannel|kube-ipvs|cni|vxlan\.calico|wireguard\.cali|wg-v6\.cali|nodelocaldns)/;

export interface HostAddress {
  readonly interfaceName: string;
  /** The address with its interface's prefix length. */
  readonly cidr: Cidr;
}

function toHostAddress(interfaceName: string, info: NetworkInterfaceInfo): HostAddress | undefined {
  return info.internal || info.cidr === null
    ? undefined
    : { interfaceName, cidr: parseCidr(info.cidr.replace(/%[^/]*/, '')) };
}

function isGlobal(address: HostAddress, family: Family): boolean {
  const local = family === 4 ? ['127.0.0.0/8', '169.254.0.0/16'] : ['::1/128', 'fe80::/10'];
  return !local.some((range) => cidrContains(parseCidr(range), address.cidr.address));
}

/** Global unicast addresses of one family, interfaces in the kernel's order. */
export function observeHostAddresses(family: Family): readonly HostAddress[] {
  const all = Object.entries(networkInterfaces()).flatMap(([name, infos]) =>
    (infos ?? []).filter((info) => info.family === `IPv${family}`).map((info) => toHostAddress(name, info)),
  );
  return all.filter((address): address is HostAddress => address !== undefined && isGlobal(address, family));
}

/** The source address that the kernel would use towards a destination; the socket sends nothing. */
async function sourceTowards(destination: string, family: Family): Promise<string> {
  const { address } = await lookup(destination, { family });
  const socket = await Bun.udpSocket({ connect: { hostname: address, port: 80 } });
  try {
    return socket.address.address;
  } finally {
    socket.close();
  }
}

async function choose(
  method: DetectionMethod,
  family: Family,
  all: readonly HostAddress[],
): Promise<HostAddress | undefined> {
  switch (method.kind) {
    case 'first-found':
      return all.find((address) => !NEVER_FIRST.test(address.interfaceName));
    case 'interface':
      return all.find((address) => method.patterns.some((pattern) => pattern.test(address.interfaceName)));
    case 'skip-interface':
      return all.find(
        (address) =>
          !NEVER_FIRST.test(address.interfaceName) &&
          !method.patterns.some((pattern) => pattern.test(address.interfaceName)),
      );
    case 'cidr':
      return all.find((address) => method.ranges.some((range) => cidrContains(range, address.cidr.address)));
    case 'can-reach': {
      const source = parseCidr(`${await sourceTowards(method.destination, family)}/${family === 4 ? 32 : 128}`);
      return all.find((address) => address.cidr.address === source.address);
    }
  }
}

/** Throws `not-found` naming what there was to choose from. */
export async function detectAddress(method: DetectionMethod, family: Family): Promise<HostAddress> {
  const all = observeHostAddresses(family);
  const chosen = await choose(method, family, all);
  if (chosen !== undefined) return chosen;
  const names = all.map((address) => address.interfaceName).join(', ');
  const variable = family === 4 ? 'IP' : 'IP6';
  throw new OcicatError(
    'not-found',
    `detect IPv${family} address: none by method "${method.kind}" among interfaces [${names}]; set ${variable} to this host's address`,
  );
}
