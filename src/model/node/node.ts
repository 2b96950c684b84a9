// Node: one host of the cluster, as its agent describes it (Calico v3.33, libcalico-go/lib/apis/internalapi/node.go).
import { tryParseCidrOrIp } from '../../net/cidr.ts';
import type { Family } from '../../net/ip.ts';
import { choice, parsedText, text } from '../../schema/scalars.ts';
import {
  between,
  type Infer,
  list,
  namesOf,
  object,
  optional,
  required,
  type Scalar,
  sparse,
} from '../../schema/schema.ts';
import { isSpeakerAddress } from '../bgp/bgp-values.ts';
import { defineKind } from '../meta/kind.ts';
import { interfaceName } from '../meta/names.ts';
import type { Resource } from '../meta/resource.ts';
import { asNumber, cidrOrIp, ip, ipv4, ipv6, mac } from '../meta/values.ts';

function tryReadInterface(value: unknown, family: Family): string | undefined {
  const range = cidrOrIp.read(value);
  return typeof range === 'string' && range.includes(':') === (family === 6) ? range : undefined;
}

/** The store may also have an address that BGP cannot speak from. */
function interfaceAddress(family: Family, example: string): Scalar<string> {
  const wanted = `a host's IPv${family} address, with its prefix length if the subnet is known, such as ${example}`;
  return {
    ...parsedText(family === 6 ? `${wanted}, not link-local` : wanted, (value) => {
      const range = tryReadInterface(value, family);
      const address = tryParseCidrOrIp(range ?? '')?.address;
      return address !== undefined && isSpeakerAddress(address) ? range : undefined;
    }),
    readStored: (value) => tryReadInterface(value, family),
  };
}

const ipv4Interface = interfaceAddress(4, '10.0.0.1/24');
const ipv6Interface = interfaceAddress(6, 'fd00::1/64');

/** 32 bytes in base64. */
const wireguardKey = text({ wanted: 'a WireGuard key: 32 bytes in base64', pattern: /^[A-Za-z0-9+/]{43}=$/ });

const bgpFields = {
  asNumber: optional(asNumber, "The node's AS number.", 'asNumber of BGPConfiguration default'),
  ipv4Address: sparse(
    ipv4Interface,
    'The address and subnet that its BGP sessions use; without a prefix length, the subnet is not known.',
  ),
  ipv6Address: sparse(ipv6Interface, 'The same for IPv6.'),
  ipv4IPIPTunnelAddr: sparse(ipv4, 'The address of its IP-in-IP device.'),
  routeReflectorClusterID: sparse(ipv4, 'Makes the node a route reflector of this cluster.'),
};
const bgp = object(
  bgpFields,
  between([], (_, report, isPresent) => {
    const hasFields = namesOf(bgpFields).some(isPresent);
    if (!hasFields) report('', 'at least one field, or no bgp at all', 'an empty object');
  }),
);

const spec = object({
  bgp: optional(bgp, 'How it speaks BGP; without it, it does not.'),
  ipv4VXLANTunnelAddr: sparse(ipv4, 'The address of its VXLAN device.'),
  vxlanTunnelMACAddr: sparse(mac, 'The MAC address of its VXLAN device.'),
  ipv6VXLANTunnelAddr: sparse(ipv6, 'The address of its VXLAN device for IPv6.'),
  vxlanTunnelMACAddrV6: sparse(mac, 'The MAC address of its VXLAN device for IPv6.'),
  orchRefs: sparse(
    list(
      object({
        nodeName: sparse(text(), "The orchestrator's name for it."),
        orchestrator: required(text(), 'The orchestrator.'),
      }),
    ),
    'What orchestrators call it.',
  ),
  wireguard: optional(
    object({
      interfaceIPv4Address: sparse(ipv4, 'The address of its WireGuard device.'),
      interfaceIPv6Address: sparse(ipv6, 'The address of its WireGuard device for IPv6.'),
    }),
    'Its WireGuard device.',
  ),
  addresses: sparse(
    list(
      object({
        address: required(cidrOrIp, 'The address.'),
        type: sparse(choice('CalicoNodeIP', 'InternalIP', 'ExternalIP'), 'What it is for.'),
      }),
    ),
    'Its addresses.',
  ),
  interfaces: sparse(
    list(
      object({
        name: sparse(interfaceName, 'The name.'),
        addresses: sparse(list(ip), 'Its addresses.'),
      }),
    ),
    'Its interfaces.',
  ),
});

const status = object({
  wireguardPublicKey: sparse(wireguardKey, 'Its WireGuard key.'),
  wireguardPublicKeyV6: sparse(wireguardKey, 'Its WireGuard key for IPv6.'),
  podCIDRs: sparse(list(cidrOrIp), 'Ranges that an orchestrator gave it.'),
});

type NodeSpec = Infer<typeof spec>;
type NodeStatus = Infer<typeof status>;
export type Node = Resource<NodeSpec, NodeStatus, 'Node'>;

export const node = defineKind({
  name: 'Node',
  plural: 'nodes',
  aliases: ['node', 'no', 'nos'],
  doc: "One host of the cluster. The host's agent writes it.",
  spec,
  status: { schema: status, always: true },
  columns: [
    { heading: 'NAME', value: (one) => one.metadata.name },
    {
      heading: 'ASN',
      value: (one, context) => {
        if (one.spec.bgp === undefined) return '';
        return one.spec.bgp.asNumber === undefined ? `(${context.asNumber})` : String(one.spec.bgp.asNumber);
      },
    },
    { heading: 'IPV4', value: (one) => one.spec.bgp?.ipv4Address ?? '' },
    { heading: 'IPV6', value: (one) => one.spec.bgp?.ipv6Address ?? '' },
  ],
  table: ['NAME'],
  wideTable: ['NAME', 'ASN', 'IPV4', 'IPV6'],
});
