// The router id of a node: a 32-bit number that must differ from node to node.
import { createHash } from 'node:crypto';
import { type Ipv4, ipv4Of } from '../net/ip.ts';
import type { RoutingInput } from './input.ts';

/**
 * From the SHA-256 of the name, kept out of the multicast range, as Calico does (Calico v3.33,
 * confd/pkg/backends/calico/bgp_processor.go).
 */
export function hashRouterId(nodeName: string): Ipv4 {
  const bytes = createHash('sha256').update(nodeName).digest();
  const first = bytes.readUInt8(0);
  if (first > 223) bytes.writeUInt8(first - 32, 0);
  return ipv4Of(bytes.readUInt32BE(0));
}

/** What was asked for, else the node's IPv4 address, else the hash. */
export function computeRouterId(input: Pick<RoutingInput, 'nodeName' | 'nodes' | 'routerId'>): Ipv4 {
  if (input.routerId === 'hash') return hashRouterId(input.nodeName);
  const own = input.nodes.find(({ name }) => name === input.nodeName);
  return input.routerId ?? own?.ipv4 ?? hashRouterId(input.nodeName);
}
