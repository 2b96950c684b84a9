// How a packet fares at a host endpoint, step by step: the phases of its policies one after the other, up to the one that decides.

import { isFailsafePacket, PHASES } from '../policy/oracle/host-verdict.ts';
import type { Packet } from '../policy/oracle/packet.ts';
import type { PolicySnapshot } from '../policy/oracle/snapshot.ts';
import type { Verdict } from '../policy/oracle/verdict.ts';
import type { Failsafes } from '../policy/types/failsafe.ts';
import type { EndpointInput, PolicyPhase } from '../policy/types/input.ts';
import type { Direction } from '../policy/types/types.ts';
import {
  findUnknown,
  type TierStep,
  verdictOfProfiles,
  verdictOfTier,
  type Walk,
  walkProfiles,
  walkTiers,
} from './walk.ts';

interface Place {
  readonly id: string;
  readonly endpoint: EndpointInput;
  readonly direction: Direction;
  readonly packet: Packet;
  readonly snapshot: PolicySnapshot;
  readonly failsafes: Failsafes;
}

type Steps = Pick<Walk, 'tiers' | 'profiles'> & { readonly verdict: Verdict | undefined };

const FAILSAFE: Verdict = { action: 'allow', reason: { kind: 'failsafe' } };
const NOTHING: Steps = { tiers: [], profiles: [], verdict: undefined };

function walkClosed({ id, endpoint, snapshot }: Place): Verdict | undefined {
  if (endpoint.host?.closed) return { action: 'deny', reason: { kind: 'unknown-endpoint', id } };
  const policy = findUnknown(endpoint, snapshot, () => true);
  return policy === undefined ? undefined : { action: 'deny', reason: { kind: 'unknown-labels', policy } };
}

function walkPhase(phase: PolicyPhase, place: Place): Steps {
  const { endpoint, direction, packet, snapshot, failsafes } = place;
  const isEarly = phase === 'untracked' || phase === 'pre-dnat';
  if (phase === 'untracked' && endpoint.host?.interfaceName === '*') return NOTHING;
  if (phase !== 'forward' && isFailsafePacket(direction, packet, failsafes))
    return { ...NOTHING, verdict: isEarly ? undefined : FAILSAFE };
  const closed = walkClosed(place);
  if (closed !== undefined) return { ...NOTHING, verdict: isEarly ? undefined : closed };
  const steps = walkTiers(direction, endpoint, packet, snapshot, { phases: PHASES[phase], passesOn: isEarly });
  const tiers = steps.map((step) => ({ ...step, phase }));
  const last = steps.at(-1);
  const verdict = last && verdictOfTier(last);
  if (verdict !== undefined || phase !== 'normal') return { tiers, profiles: [], verdict };
  const profiles = walkProfiles(direction, endpoint, packet, snapshot);
  return { tiers, profiles, verdict: verdictOfProfiles(profiles) };
}

/** Where no phase decides: of what is forwarded, and of an end. */
function undecided(phases: readonly PolicyPhase[]): Verdict {
  return { action: 'allow', reason: { kind: phases.includes('normal') ? 'no-workload' : 'no-forward-policy' } };
}

/** Allowed where no phase decides, and for an endpoint that is not there. */
export function walkHostEndpoint(
  direction: Direction,
  id: string | undefined,
  packet: Packet,
  snapshot: PolicySnapshot,
  asked: { readonly phases: readonly PolicyPhase[]; readonly failsafes: Failsafes },
): Walk {
  const endpoint = snapshot.endpoints.get(id ?? '');
  const base = { direction, endpoint: id, tiers: [], profiles: [] };
  const { phases, failsafes } = asked;
  if (id === undefined || endpoint === undefined) return { ...base, verdict: undecided(phases) };
  const tiers: TierStep[] = [];
  for (const phase of phases) {
    const steps = walkPhase(phase, { id, endpoint, direction, packet, snapshot, failsafes });
    tiers.push(...steps.tiers);
    if (steps.verdict !== undefined) return { ...base, tiers, profiles: steps.profiles, verdict: steps.verdict };
  }
  return { ...base, tiers, verdict: undecided(phases) };
}
