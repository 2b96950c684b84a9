// From Nodes to what the ways to them follow from.
import type { Node } from '../model/node/node.ts';
import { tryParseCidrOrIp } from '../net/cidr.ts';
import { type Family, familyOf, type Ip, tryParseIp } from '../net/ip.ts';
import { tryParseMac } from '../net/mac.ts';
import type { NodeEnd, NodeEnds } from './cluster-input.ts';
import { hashVtepMac } from './vtep-mac.ts';

/** The fields of a Node that say what it is in one family. */
interface EndFields {
  readonly underlay: string | undefined;
  readonly vxlan: string | undefined;
  readonly mac: string | undefined;
  readonly ipip: string | undefined;
}

function tryAddress(text: string | undefined, family: Family): Ip | undefined {
  const ip = tryParseIp(text ?? '');
  return ip !== undefined && familyOf(ip) === family ? ip : undefined;
}

function tryEnd(name: string, family: Family, fields: EndFields): NodeEnd | undefined {
  const underlay = tryParseCidrOrIp(fields.underlay ?? '');
  if (underlay === undefined || familyOf(underlay.address) !== family) return undefined;
  const address = tryAddress(fields.vxlan, family);
  const mac = tryParseMac(fields.mac ?? '') ?? hashVtepMac(name, family);
  return {
    underlay,
    vxlan: address === undefined ? undefined : { address, mac },
    ipip: tryAddress(fields.ipip, family),
  };
}

/** A node that has no address of a family is no end of anything in it. */
export function parseNodeEnds({ metadata: { name }, spec }: Node): NodeEnds {
  const { bgp } = spec;
  return {
    4: tryEnd(name, 4, {
      underlay: bgp?.ipv4Address,
      vxlan: spec.ipv4VXLANTunnelAddr,
      mac: spec.vxlanTunnelMACAddr,
      ipip: bgp?.ipv4IPIPTunnelAddr,
    }),
    6: tryEnd(name, 6, {
      underlay: bgp?.ipv6Address,
      vxlan: spec.ipv6VXLANTunnelAddr,
      mac: spec.vxlanTunnelMACAddrV6,
      ipip: undefined,
    }),
  };
}
