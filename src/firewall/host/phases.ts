// What a host endpoint asks of the packets of one phase in one direction: which policies and profiles, and what before and after.
import type { Rule } from '../../nftables/nft.ts';
import { jump, rule, verdictOf } from '../../nftables/statements.ts';
import type { PolicyPhase } from '../../policy/types/input.ts';
import type { Direction, HostEndpointPolicy, HostTiers, RuleListId, TierPolicies } from '../../policy/types/types.ts';
import { ESTABLISHED_MAP, failsafeChain, INVALID_MAP } from './names.ts';

const TIERS: Readonly<Record<PolicyPhase, keyof HostTiers>> = {
  untracked: 'untracked',
  'pre-dnat': 'preDnat',
  forward: 'forward',
  normal: 'normal',
};

/** What is established passes, and then the failsafe ports, before anything is denied; what is forwarded has none. */
function startOf(phase: PolicyPhase, direction: Direction): readonly Rule[] {
  const failsafe = rule([jump(failsafeChain(direction, phase === 'untracked'))]);
  if (phase === 'untracked') return [failsafe];
  const established = rule([verdictOf(['ct-state'], ESTABLISHED_MAP)]);
  const invalid = rule([verdictOf(['ct-state'], INVALID_MAP)]);
  return phase === 'forward' ? [established, invalid] : [established, failsafe, invalid];
}

export interface PhaseQuestion {
  readonly tiers: readonly TierPolicies[];
  readonly profiles: readonly RuleListId[];
  readonly start: readonly Rule[];
  /** Whether what nothing decides goes on. */
  readonly isOpen: boolean;
}

/**
 * Undefined where nothing is asked of the packets: no policy of the phase, or one that the endpoint does not have. What is
 * normal is always asked, and so is all that a closed endpoint forwards.
 */
export function tryComputeQuestion(
  endpoint: HostEndpointPolicy,
  phase: PolicyPhase,
  direction: Direction,
): PhaseQuestion | undefined {
  const tiers = endpoint[TIERS[phase]];
  const denies = phase === 'normal' || (phase === 'forward' && endpoint.closed);
  if (!denies && tiers.every((tier) => tier[direction].length === 0)) return undefined;
  if (phase === 'untracked' && endpoint.interfaceName === '*') return undefined;
  const profiles = phase === 'normal' ? endpoint.profiles : [];
  return { tiers, profiles, start: startOf(phase, direction), isOpen: !denies };
}
