// The addresses that a host has of its own inside of tunnels: of which pools, under which name, and where its Node shows them
// (Calico v3.33, node/pkg/allocateip/allocateip.go).
import type { Pool } from '../../ipam/pool.ts';
import type { Family } from '../../net/ip.ts';
import { membersOf } from '../../schema/document.ts';

/** A Node's spec, as it stands. */
export type Fields = Readonly<Record<string, unknown>>;

export interface TunnelKind {
  /** The attribute by which Calico's tools know the address. */
  readonly type: string;
  /** Of the handle, before the node's name. */
  readonly handlePrefix: string;
  readonly family: Family;
  /** Of the pools that it may be from; undefined: any. */
  readonly encapsulation: Pool['encapsulation'] | undefined;
  /** Where the Node's status has the key without which there is to be no such address, nor where hosts encrypt what is their own. */
  readonly keyField?: string;
  /** Where the address stands below the spec. */
  readonly path: readonly [string] | readonly [string, string];
  /** Where the MAC address of the device stands. */
  readonly macField?: string;
}

export const TUNNEL_KINDS: readonly TunnelKind[] = [
  {
    ...{ type: 'wireguardTunnelAddress', handlePrefix: 'wireguard-tunnel-addr', family: 4, encapsulation: undefined },
    ...{ path: ['wireguard', 'interfaceIPv4Address'], keyField: 'wireguardPublicKey' },
  },
  {
    ...{ type: 'wireguardV6TunnelAddress', handlePrefix: 'wireguard-v6-tunnel-addr', family: 6 },
    ...{ encapsulation: undefined, path: ['wireguard', 'interfaceIPv6Address'], keyField: 'wireguardPublicKeyV6' },
  },
  {
    ...{ type: 'ipipTunnelAddress', handlePrefix: 'ipip-tunnel-addr', family: 4, encapsulation: 'ipip' },
    path: ['bgp', 'ipv4IPIPTunnelAddr'],
  },
  {
    ...{ type: 'vxlanTunnelAddress', handlePrefix: 'vxlan-tunnel-addr', family: 4, encapsulation: 'vxlan' },
    ...{ path: ['ipv4VXLANTunnelAddr'], macField: 'vxlanTunnelMACAddr' },
  },
  {
    ...{ type: 'vxlanV6TunnelAddress', handlePrefix: 'vxlan-v6-tunnel-addr', family: 6, encapsulation: 'vxlan' },
    ...{ path: ['ipv6VXLANTunnelAddr'], macField: 'vxlanTunnelMACAddrV6' },
  },
];

export function fieldAt(spec: Fields, [name, below]: TunnelKind['path']): unknown {
  return below === undefined ? spec[name] : membersOf(spec[name])?.[below];
}

function withField(fields: Fields, name: string, value: unknown): Fields {
  const { [name]: before, ...others } = fields;
  if (value === undefined) return others;
  return before === undefined ? { ...others, [name]: value } : { ...fields, [name]: value };
}

/** The spec with a value there, or without it; an object that would be empty is none. */
export function withFieldAt(spec: Fields, [name, below]: TunnelKind['path'], value: string | undefined): Fields {
  if (below === undefined) return withField(spec, name, value);
  const inner = withField(membersOf(spec[name]) ?? {}, below, value);
  return withField(spec, name, Object.keys(inner).length === 0 ? undefined : inner);
}
