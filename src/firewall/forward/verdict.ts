// Where a filter of somebody else's drops packets of workloads. A rule that looks at more than interfaces, addresses and
// the state of the flow means some packets and not others: it is passed over, whatever it says.

import type { Bytes } from '../../nftables/nft.ts';
import type { ForwardCondition, ForwardFilter, ForwardRule, Span } from './filter.ts';
import type { ForwardPacket } from './packets.ts';

/** The kernel follows no more jumps either (NFT_JUMP_STACK_SIZE). */
const MAX_DEPTH = 16;

type Answer = 'yes' | 'no' | 'perhaps';

function negate(answer: Answer): Answer {
  if (answer === 'perhaps') return answer;
  return answer === 'yes' ? 'no' : 'yes';
}

function isWithin(spans: readonly Span[], { first, last }: Span): Answer {
  if (spans.some((span) => span.first <= first && last <= span.last)) return 'yes';
  return spans.some((span) => span.first <= last && first <= span.last) ? 'perhaps' : 'no';
}

function areWithin(ranges: readonly Span[], addresses: readonly Bytes[]): Answer {
  const answers = new Set(addresses.map((address) => isWithin(ranges, { first: address, last: address })));
  const [only] = answers;
  return answers.size === 1 && only !== undefined ? only : 'perhaps';
}

function holds(condition: ForwardCondition, packet: ForwardPacket): Answer {
  switch (condition.kind) {
    case 'interface': {
      const name = packet[condition.direction];
      const answer = name === undefined ? 'perhaps' : isWithin(condition.names, name);
      return condition.negated ? negate(answer) : answer;
    }
    case 'address': {
      if (condition.family !== packet.family) return 'no';
      const addresses = packet[condition.side];
      const answer = addresses === undefined ? 'perhaps' : areWithin(condition.ranges, addresses);
      return condition.negated ? negate(answer) : answer;
    }
    case 'family':
      return (condition.family === packet.family) !== condition.negated ? 'yes' : 'no';
    case 'state':
      return condition.opening ? 'yes' : 'no';
    case 'other':
      return 'perhaps';
  }
}

/** What a chain does with a packet; `on`: it goes back to whoever sent it there. */
type Outcome =
  | { readonly kind: 'accept' | 'on' }
  | { readonly kind: 'drop'; readonly chain: string; readonly place: string };

interface Walk {
  readonly chains: ForwardFilter['chains'];
  readonly packet: ForwardPacket;
}

function follow(walk: Walk, chain: string, { action, place }: ForwardRule, depth: number): Outcome | undefined {
  switch (action.kind) {
    case 'accept':
      return { kind: 'accept' };
    case 'drop':
      return { kind: 'drop', chain, place };
    case 'return':
      return { kind: 'on' };
    case 'continue':
      return undefined;
    case 'goto':
      return walkChain(walk, action.chain, depth + 1);
    case 'jump': {
      const outcome = walkChain(walk, action.chain, depth + 1);
      return outcome.kind === 'on' ? undefined : outcome;
    }
  }
}

function walkChain(walk: Walk, chain: string, depth: number): Outcome {
  for (const rule of depth > MAX_DEPTH ? [] : (walk.chains.get(chain) ?? [])) {
    if (!rule.conditions.every((condition) => holds(condition, walk.packet) === 'yes')) continue;
    const outcome = follow(walk, chain, rule, depth);
    if (outcome !== undefined) return outcome;
  }
  return { kind: 'on' };
}

/** Where a packet is dropped; undefined when it is not. */
export interface ForwardDrop {
  readonly chain: string;
  /** `policy drop`, or the place of a rule. */
  readonly place: string;
}

export function findDrop(filter: ForwardFilter, packet: ForwardPacket): ForwardDrop | undefined {
  const outcome = walkChain({ chains: filter.chains, packet }, filter.chain, 0);
  if (outcome.kind === 'drop') return { chain: outcome.chain, place: outcome.place };
  if (outcome.kind === 'accept' || filter.policy === 'accept') return undefined;
  return { chain: filter.chain, place: 'policy drop' };
}
