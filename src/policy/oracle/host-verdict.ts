// What the policies of host endpoints say about one packet on its way into, out of or through a host, straight from the
// resources, as the verdict at workloads does.
import { type Failsafes, isFailsafe } from '../types/failsafe.ts';
import type { PolicyPhase } from '../types/input.ts';
import type { Direction } from '../types/types.ts';
import type { Packet } from './packet.ts';
import type { PolicySnapshot } from './snapshot.ts';
import { satisfies } from './snapshot-labels.ts';
import { type Verdict, verdictOfProfiles, verdictOfTiers } from './verdict.ts';

/** Ids of host endpoints; undefined where an interface has none. */
export type HostPath =
  /** From a workload: what is normal is the workload's policy to say. */
  | { readonly kind: 'in'; readonly from: string | undefined; readonly ofWorkload?: boolean }
  | { readonly kind: 'out'; readonly to: string | undefined }
  | { readonly kind: 'through'; readonly from: string | undefined; readonly to: string | undefined };

interface Place {
  readonly id: string;
  readonly direction: Direction;
  readonly packet: Packet;
  readonly snapshot: PolicySnapshot;
  readonly failsafes: Failsafes;
}

const ALLOWED: Verdict = { action: 'allow', reason: { kind: 'no-workload' } };
const FAILSAFE: Verdict = { action: 'allow', reason: { kind: 'failsafe' } };
const FORWARDED: Verdict = { action: 'allow', reason: { kind: 'no-forward-policy' } };

export const EARLY: readonly PolicyPhase[] = ['untracked', 'pre-dnat'];
/** Which phases a policy's own stands for. */
export const PHASES: Readonly<Record<PolicyPhase, readonly PolicyPhase[]>> = {
  untracked: ['untracked'],
  'pre-dnat': ['pre-dnat'],
  forward: ['forward'],
  normal: ['normal', 'forward'],
};

export function isFailsafePacket(direction: Direction, packet: Packet, failsafes: Failsafes): boolean {
  const peer = direction === 'ingress' ? packet.source : packet.destination;
  return isFailsafe(failsafes, direction, { ...packet, peer });
}

/** Undefined when the phase leaves the packet to the next one. */
function judgePhase(phase: PolicyPhase, place: Place): Verdict | undefined {
  const { id, direction, packet, snapshot } = place;
  const endpoint = snapshot.endpoints.get(id);
  const isEarly = phase === 'untracked' || phase === 'pre-dnat';
  if (endpoint?.host === undefined || (phase === 'untracked' && endpoint.host.interfaceName === '*')) return undefined;
  if (phase !== 'forward' && isFailsafePacket(direction, packet, place.failsafes))
    return isEarly ? undefined : FAILSAFE;
  const undecided = [...snapshot.policies].find(
    ([, { selector }]) => satisfies(endpoint, selector, snapshot) === undefined,
  );
  if (endpoint.host.closed || undecided !== undefined) {
    if (isEarly) return undefined;
    return {
      action: 'deny',
      reason: undecided ? { kind: 'unknown-labels', policy: undecided[0] } : { kind: 'unknown-endpoint', id },
    };
  }
  const scope = { phases: PHASES[phase], passesOn: isEarly };
  const verdict = verdictOfTiers(direction, endpoint, packet, snapshot, scope);
  if (verdict !== undefined || phase !== 'normal') return verdict;
  return verdictOfProfiles(direction, endpoint, packet, snapshot);
}

/** The first phase that decides; each later one is only asked about what the earlier ones left open. */
function judge(phases: readonly PolicyPhase[], place: Place | undefined): Verdict | undefined {
  if (place === undefined) return undefined;
  for (const phase of phases) {
    const verdict = judgePhase(phase, place);
    if (verdict !== undefined) return verdict;
  }
  return undefined;
}

/** The verdict on the first packet of a connection, by the host endpoints alone. */
export function computeHostVerdict(
  packet: Packet,
  path: HostPath,
  snapshot: PolicySnapshot,
  failsafes: Failsafes,
): Verdict {
  const at = (id: string | undefined, direction: Direction): Place | undefined =>
    id === undefined ? undefined : { id, direction, packet, snapshot, failsafes };
  switch (path.kind) {
    case 'in':
      return judge(path.ofWorkload ? EARLY : [...EARLY, 'normal'], at(path.from, 'ingress')) ?? ALLOWED;
    case 'out':
      return judge(['untracked', 'normal'], at(path.to, 'egress')) ?? ALLOWED;
    case 'through': {
      const inwards = judge([...EARLY, 'forward'], at(path.from, 'ingress'));
      if (inwards?.action === 'deny') return inwards;
      return judge(['forward'], at(path.to, 'egress')) ?? inwards ?? FORWARDED;
    }
  }
}
