// Finds the address that other hosts reach this one by (Calico v3.33, node/pkg/lifecycle/startup/autodetection).
import { lookup } from 'node:dns/promises';
import { OcicatError } from '../../base/errors.ts';
import { type InterfaceAddress, observeInterfaceAddresses } from '../../kernel/link/interface-addresses.ts';
import { cidrContains, cidrFamily, parseCidr } from '../../net/cidr.ts';
import { type Family, type Ip, parseIp } from '../../net/ip.ts';
import type { DetectionMethod } from '../config/settings.ts';

/** Interfaces that carry containers or tunnels, and are not the host's own unless somebody names them. */
const NEVER_FIRST =
  /^(docker|cbr|dummy|podman|virbr|lxcbr|veth|lo|br-|cali|tunl|flannel|kube-ipvs|cni|vxlan\.calico|vxlan-v6\.calico|wireguard\.cali|wg-v6\.cali|nodelocaldns)/;

/** Addresses that say nothing to other hosts: of no host, of this one, of this link, of many (RFC 6890). */
const NEVER = ['0.0.0.0/8', '127.0.0.0/8', '169.254.0.0/16', '224.0.0.0/3', '::/127', 'fe80::/10', 'ff00::/8'].map(
  parseCidr,
);

/** Of one family, interfaces in the kernel's order. */
export function observeHostAddresses(family: Family): readonly InterfaceAddress[] {
  return observeInterfaceAddresses().filter(
    ({ cidr }) => cidrFamily(cidr) === family && !NEVER.some((range) => cidrContains(range, cidr.address)),
  );
}

/** The source address that the kernel would use towards a destination; the socket sends nothing. Throws `not-found`. */
async function sourceTowards(destination: string, family: Family): Promise<Ip> {
  try {
    const { address } = await lookup(destination, { family });
    const hostname = family === 4 ? '0.0.0.0' : '::';
    const socket = await Bun.udpSocket({ hostname, connect: { hostname: address, port: 80 } });
    try {
      return parseIp(socket.address.address);
    } finally {
      socket.close();
    }
  } catch (cause) {
    const action = `detect IPv${family} address: can-reach=${destination}`;
    throw new OcicatError('not-found', `${action}: no such host, or no way there`, { cause });
  }
}

type Take = (address: InterfaceAddress) => boolean;

/** Which addresses a method takes. */
async function takenBy(method: DetectionMethod, family: Family): Promise<Take> {
  switch (method.kind) {
    case 'first-found':
      return ({ interfaceName }) => !NEVER_FIRST.test(interfaceName);
    case 'interface':
      return ({ interfaceName }) => method.patterns.some((pattern) => pattern.test(interfaceName));
    case 'skip-interface':
      return ({ interfaceName }) => ![NEVER_FIRST, ...method.patterns].some((pattern) => pattern.test(interfaceName));
    case 'cidr':
      return ({ cidr }) => method.ranges.some((range) => cidrContains(range, cidr.address));
    case 'can-reach': {
      const source = await sourceTowards(method.destination, family);
      return ({ cidr }) => cidr.address === source;
    }
  }
}

/** One that stays before one that does not. Throws `not-found` naming what there was to choose from. */
export async function detectAddress(method: DetectionMethod, family: Family): Promise<InterfaceAddress> {
  const all = observeHostAddresses(family);
  const taken = all.filter(await takenBy(method, family));
  const chosen = taken.find(({ isPassing }) => !isPassing) ?? taken[0];
  if (chosen !== undefined) return chosen;
  const names = [...new Set(all.map(({ interfaceName }) => interfaceName))].join(', ');
  const variable = family === 4 ? 'IP' : 'IP6';
  throw new OcicatError(
    'not-found',
    `detect IPv${family} address: none by method "${method.kind}" among interfaces [${names}]; set ${variable} to this host's address, or to "none"`,
  );
}
