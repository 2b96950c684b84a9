// What decided, for people, and where that was written.
import type { Reason } from '../policy/oracle/verdict.ts';
import type { Direction } from '../policy/types/types.ts';
import { formatId } from './cluster.ts';
import type { HostReason } from './hosts.ts';
import type { WalkVerdict } from './walk.ts';

/** `spec.ingress[0]`: a rule in its resource. */
export function formatRulePath(direction: Direction, rule: number): string {
  return `spec.${direction}[${rule}]`;
}

/** `GlobalNetworkPolicy(web), spec.ingress[0]`; a description of the resource where no rule decided. */
export function formatReason(reason: Reason | HostReason, direction: Direction): string {
  switch (reason.kind) {
    case 'rule':
      return `${formatId(reason.policy)}, ${formatRulePath(direction, reason.rule)}`;
    case 'end-of-tier':
      return `the end of tier "${reason.tier}": no rule of its policies matches`;
    case 'profile-rule':
      return `Profile(${reason.profile}), ${formatRulePath(direction, reason.rule)}`;
    case 'missing-profile':
      return `Profile(${reason.profile}), which does not exist`;
    case 'no-profile-matched':
      return 'the end of its profiles: no rule of theirs matches';
    case 'unknown-endpoint':
      return `its interface, which is closed: ${reason.id} cannot be read`;
    case 'unknown-labels':
      return `labels that cannot be read: nobody knows whether ${formatId(reason.policy)} applies`;
    case 'to-host':
      return `its host ${reason.host}, whose defaultEndpointToHostAction is ${reason.toHost}`;
    case 'from-host':
      return `no policy: ${reason.host} is its host`;
    case 'no-workload':
      return 'no policy: the address is of no workload';
    case 'failsafe':
      return 'a failsafe port, which policy of host endpoints never closes';
    case 'no-forward-policy':
      return 'no policy of the host endpoint: none of those about what is forwarded decides';
  }
}

/** The id of the resource whose annotations say more about it; undefined where it is no resource. */
export function resourceOf(reason: Reason | HostReason): string | undefined {
  if (reason.kind === 'rule') return reason.policy;
  return reason.kind === 'profile-rule' ? `Profile//${reason.profile}` : undefined;
}

/** `allowed by …`. */
export function formatVerdict({ action, reason }: WalkVerdict, direction: Direction): string {
  return `${action === 'allow' ? 'allowed' : 'denied'} by ${formatReason(reason, direction)}`;
}
