// The result of ADD: what was made, and its JSON in the shape of every version of the specification.
import type { Json } from '../../base/json.ts';
import { type Cidr, cidrFamily, formatCidr } from '../../net/cidr.ts';
import { formatIp, type Ip } from '../../net/ip.ts';
import { type CniVersion, isAtLeast } from './version.ts';

export interface ResultInterface {
  readonly name: string;
  readonly mac?: string | undefined;
  readonly mtuBytes?: number | undefined;
  /** Path of its network namespace; absent for an interface of the host. */
  readonly sandbox?: string | undefined;
  /** Of interfaces of other plugins in the chain. */
  readonly socketPath?: string | undefined;
  readonly pciId?: string | undefined;
}

export interface ResultAddress {
  /** With the host's bits. */
  readonly address: Cidr;
  readonly gateway?: Ip | undefined;
  /** Index into the interfaces. */
  readonly interface?: number | undefined;
}

/** What else a route may say, since CNI 1.1.0. */
export const ROUTE_OPTIONS = ['mtu', 'advmss', 'priority', 'table', 'scope'] as const;

export interface ResultRoute {
  /** With the host's bits, as Calico's IPAM gives them. */
  readonly destination: Cidr;
  readonly gateway?: Ip | undefined;
  /** Of routes of other plugins in the chain. */
  readonly options?: Readonly<Partial<Record<(typeof ROUTE_OPTIONS)[number], number>>>;
}

export interface CniResult {
  readonly interfaces: readonly ResultInterface[];
  readonly addresses: readonly ResultAddress[];
  readonly routes: readonly ResultRoute[];
  /** Name servers and the like, as another plugin gave them. */
  readonly dns: { readonly [key: string]: Json };
}

type Members = { readonly [key: string]: unknown };

function printRoute({ destination, gateway }: ResultRoute): Members {
  return { dst: formatCidr(destination), gw: gateway === undefined ? undefined : formatIp(gateway) };
}

function printRoute100(route: ResultRoute): Members {
  return { ...printRoute(route), ...route.options };
}

function orAbsent<T>(list: readonly T[]): readonly T[] | undefined {
  return list.length === 0 ? undefined : list;
}

/** 0.1.0 and 0.2.0 have room for one address of each family, and none for interfaces. */
function printFamily(result: CniResult, family: 4 | 6): Members | undefined {
  const first = result.addresses.find(({ address }) => cidrFamily(address) === family);
  if (first === undefined) return undefined;
  const routes = result.routes.filter(({ destination }) => cidrFamily(destination) === family);
  return {
    ip: formatCidr(first.address),
    gateway: first.gateway === undefined ? undefined : formatIp(first.gateway),
    routes: orAbsent(routes.map(printRoute)),
  };
}

function encode020(result: CniResult, cniVersion: string): Members {
  return { cniVersion, ip4: printFamily(result, 4), ip6: printFamily(result, 6), dns: result.dns };
}

/** 0.3.0 to 0.4.0: addresses say their version, interfaces do not say their MTU. */
function encode040(result: CniResult, cniVersion: string): Members {
  return {
    cniVersion,
    interfaces: orAbsent(result.interfaces.map(({ name, mac, sandbox }) => ({ name, mac, sandbox }))),
    ips: orAbsent(
      result.addresses.map((one) => ({
        version: `${cidrFamily(one.address)}`,
        interface: one.interface,
        address: formatCidr(one.address),
        gateway: one.gateway === undefined ? undefined : formatIp(one.gateway),
      })),
    ),
    routes: orAbsent(result.routes.map(printRoute)),
    dns: result.dns,
  };
}

/** From 1.0.0 on; members in alphabetical order and no empty `dns`, as Go's framework prints them. */
function encode100(result: CniResult, cniVersion: string): Members {
  return {
    cniVersion,
    dns: Object.keys(result.dns).length === 0 ? undefined : result.dns,
    interfaces: orAbsent(
      result.interfaces.map(({ mac, mtuBytes, name, pciId, sandbox, socketPath }) => {
        return { mac, mtu: mtuBytes, name, pciID: pciId, sandbox, socketPath };
      }),
    ),
    ips: orAbsent(
      result.addresses.map((one) => ({
        address: formatCidr(one.address),
        gateway: one.gateway === undefined ? undefined : formatIp(one.gateway),
        interface: one.interface,
      })),
    ),
    routes: orAbsent(result.routes.map(printRoute100)),
  };
}

/** Indented by four, without a newline at the end, as Go's framework prints it. */
export function printResult(result: CniResult, version: CniVersion): string {
  const encode = isAtLeast(version, '1.0.0') ? encode100 : isAtLeast(version, '0.3.0') ? encode040 : encode020;
  return JSON.stringify(encode(result, version), null, 4);
}
