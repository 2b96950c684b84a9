// The parts of a node's routing that can be left out, each under the name of its resource: what BIRD refuses must not
// keep it from the rest.
import { formatCidr } from '../net/cidr.ts';
import type { RoutingInput, RoutingNode } from './input.ts';

/** What is more than a number or a switch in BGPConfiguration. */
const CONFIGURATION = 'BGPConfiguration';

const nodePart = ({ name }: RoutingNode) => `Node(${name})`;
const filterPart = ({ name }: { readonly name: string }) => `BGPFilter(${name})`;
const peerPart = ({ name }: { readonly name: string }) => `BGPPeer(${name})`;
const poolPart = ({ cidr }: RoutingInput['pools'][number]) => `IPPool of ${formatCidr(cidr)}`;
const blockPart = (cidr: RoutingInput['ownBlocks'][number]) => `block ${formatCidr(cidr)}`;

/** Each stands behind what it refers to: a filter before the peers that name it. */
export function partsOf(input: RoutingInput): readonly string[] {
  return [
    ...new Set([
      ...input.nodes.map(nodePart),
      ...input.pools.map(poolPart),
      ...input.ownBlocks.map(blockPart),
      CONFIGURATION,
      ...(input.filters ?? []).map(filterPart),
      ...input.peers.map(peerPart),
    ]),
  ];
}

/** This node itself stays, without an address to speak from. */
function withoutNodes(input: RoutingInput, leftOut: ReadonlySet<string>): readonly RoutingNode[] {
  return input.nodes.flatMap((node) => {
    if (!leftOut.has(nodePart(node))) return [node];
    return node.name === input.nodeName ? [{ name: node.name, labels: node.labels }] : [];
  });
}

/** The routing of what is left. Peers of a filter that is left out send and take nothing, as when it does not exist. */
export function withoutParts(input: RoutingInput, leftOut: ReadonlySet<string>): RoutingInput {
  if (leftOut.size === 0) return input;
  return {
    ...input,
    nodes: withoutNodes(input, leftOut),
    pools: input.pools.filter((pool) => !leftOut.has(poolPart(pool))),
    ownBlocks: input.ownBlocks.filter((cidr) => !leftOut.has(blockPart(cidr))),
    bgp: leftOut.has(CONFIGURATION) ? { ...input.bgp, ignoredInterfaces: [], advertisements: [] } : input.bgp,
    filters: (input.filters ?? []).filter((filter) => !leftOut.has(filterPart(filter))),
    peers: input.peers.filter((peer) => !leftOut.has(peerPart(peer))),
  };
}
