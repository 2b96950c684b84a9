// Errors about flows (ICMP): the kernel lets whoever sends one quote any flow that it tracks, also with addresses of others.
// What a workload may say is of its own flows: that it is at one of their two ends, as this host tracks them.
import type { Chain, Rule } from '../nftables/nft.ts';
import {
  accept,
  drop,
  dropping,
  goto,
  isFamily,
  isIn,
  isInvalid,
  isRelated,
  isRelatedOrInvalid,
  rule,
} from '../nftables/statements.ts';
import type { FirewallConfig } from './config.ts';
import * as names from './names.ts';

const OF_WORKLOAD = 'related-of-workload';

/** The workload began the flow, or answers in it: with an address of its own, or of a range that it may send from. */
function isAtAnEnd(family: 4 | 6): readonly Rule[] {
  const ends = family === 4 ? (['flow-saddr4', 'answer-saddr4'] as const) : (['flow-saddr6', 'answer-saddr6'] as const);
  const sets = [names.sourcesSet(family), names.sourceRangesSet(family)];
  return sets.flatMap((set) => ends.map((end) => rule([isFamily(family), isIn(['iifname', end], set), accept])));
}

/** Leads there what neither goes on in a flow nor begins one. */
export function lookAtOthers({ dropInvalid }: FirewallConfig): Rule {
  return rule([dropInvalid ? isRelatedOrInvalid : isRelated, goto(names.RELATED_CHAIN)]);
}

/** The chain for packets that are related to a flow or belong to none, and that for those related ones that are from workloads. */
export function relatedChains({ interfacePrefix: value, dropInvalid }: FirewallConfig): readonly Chain[] {
  const name = names.RELATED_CHAIN;
  const toUnknown: Rule['statements'] = [
    { kind: 'name-prefix', field: 'oifname', value },
    isIn(['oifname'], names.WORKLOADS_SET, true),
  ];
  return [
    {
      name: OF_WORKLOAD,
      rules: [...isAtAnEnd(4), ...isAtAnEnd(6), dropping("error about somebody else's flow")],
    },
    {
      name,
      rules: [
        ...(dropInvalid ? [rule([isInvalid, drop])] : []),
        dropping('unknown interface', ...toUnknown),
        rule([{ kind: 'name-prefix', field: 'iifname', value }, goto(OF_WORKLOAD)]),
        rule([accept]),
      ],
    },
  ];
}
