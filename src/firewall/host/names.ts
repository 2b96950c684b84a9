// The names of the chains, sets and maps that host endpoints have.
import type { PolicyPhase } from '../../policy/types/input.ts';
import type { Direction } from '../../policy/types/types.ts';

/** Verdict map, interface name to group chain, of the packets of a phase. */
export function hostMap(phase: PolicyPhase, direction: Direction): string {
  return `host-${phase}-${direction}`;
}

/** The chain that lets failsafe ports through; `untracked`: with the answers, which nobody knows as such yet. */
export function failsafeChain(direction: Direction, untracked: boolean): string {
  return `failsafe-${untracked ? 'untracked-' : ''}${direction}`;
}

/** (protocol, port) pairs of failsafe ports that anybody may use. */
export function failsafeSet(direction: Direction): string {
  return `failsafe-ports-${direction}`;
}

/** States of what has been let through before, to accept. */
export const ESTABLISHED_MAP = 'host-established';
/** The state of what belongs to no connection, to drop. */
export const INVALID_MAP = 'host-invalid';
/** Types of ICMPv6 without which a host of IPv6 has no network. */
export const HOST_DISCOVERY_SET = 'host-discovery-types';
