// The peers of a node that are closed until what they need is there: a BGPFilter, or the password of their sessions.
import type { BgpPeer, PasswordReference, RoutingInput } from './input.ts';
import { passwordId, passwordOf } from './passwords.ts';
import { computeSessions } from './sessions.ts';
import { selectedWorkloads } from './workload-sessions.ts';

function hasSessions(input: RoutingInput): boolean {
  return ([4, 6] as const).some((family) => computeSessions(input, family).length > 0);
}

function missingPassword(reference: PasswordReference | undefined, input: RoutingInput): readonly string[] {
  const password = reference && passwordOf(reference, input);
  if (reference === undefined || password?.kind !== 'missing') return [];
  return [`the password ${passwordId(reference)}: ${password.why}`];
}

/** Workloads are selected, and the host has no address to speak to them from. */
function missingPeering(peer: BgpPeer, input: RoutingInput): readonly string[] {
  const own = input.nodes.find(({ name }) => name === input.nodeName);
  const hasAddress = Object.keys(input.bgp.workloadPeering ?? {}).length > 0;
  if (hasAddress || own === undefined || selectedWorkloads(peer, own, input).length === 0) return [];
  return [
    `BGPPeer(${peer.name}): BGPConfiguration(default) has no localWorkloadPeeringIPV4 or localWorkloadPeeringIPV6`,
  ];
}

/** Only of a peer that this node has a session for. */
function lacksOf(peer: BgpPeer, input: RoutingInput, filters: ReadonlySet<string>): readonly string[] {
  const lacks = [
    ...(peer.filters ?? []).filter((name) => !filters.has(name)).map((name) => `BGPFilter(${name}) is not there`),
    ...missingPassword(peer.password, input),
  ];
  const alone = () => ({ ...input, bgp: { ...input.bgp, meshEnabled: false }, peers: [peer] });
  return lacks.length > 0 && hasSessions(alone()) ? lacks.map((lack) => `BGPPeer(${peer.name}): ${lack}`) : [];
}

function lacksOfMesh(input: RoutingInput): readonly string[] {
  const lacks = missingPassword(input.bgp.meshPassword, input);
  return lacks.length > 0 && hasSessions({ ...input, peers: [] })
    ? lacks.map((lack) => `BGPConfiguration(default): ${lack}`)
    : [];
}

/** `BGPPeer(rack): BGPFilter(edge) is not there`, `BGPPeer(rack): the password rack/bgp: there is no such file`; sorted. */
export function findClosedPeers(input: RoutingInput): readonly string[] {
  const filters = new Set((input.filters ?? []).map(({ name }) => name));
  return [
    ...lacksOfMesh(input),
    ...input.peers.flatMap((peer) => [...lacksOf(peer, input, filters), ...missingPeering(peer, input)]),
  ].sort();
}
