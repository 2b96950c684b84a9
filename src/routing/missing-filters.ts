// The peers of a node that name a BGPFilter which is not there: nothing is sent to them or taken from them until it is.
import type { RoutingInput } from './input.ts';
import { computeSessions } from './sessions.ts';

/** `BGPPeer(rack): BGPFilter(edge) is not there`, sorted; only peers that this node has a session for. */
export function findMissingFilters(input: RoutingInput): readonly string[] {
  const there = new Set((input.filters ?? []).map(({ name }) => name));
  const withoutMesh = { ...input, bgp: { ...input.bgp, meshEnabled: false } };
  return input.peers
    .flatMap((peer) => {
      const missing = (peer.filters ?? []).filter((name) => !there.has(name));
      if (missing.length === 0) return [];
      const alone = { ...withoutMesh, peers: [peer] };
      const isHere = ([4, 6] as const).some((family) => computeSessions(alone, family).length > 0);
      return isHere ? missing.map((name) => `BGPPeer(${peer.name}): BGPFilter(${name}) is not there`) : [];
    })
    .sort();
}
