// Renders the rules of a policy or profile as nftables rules.

import { PROTOCOL_ICMP, PROTOCOL_ICMPV6 } from '../net/protocol.ts';
import { bytesOfU8 } from '../nftables/bytes.ts';
import type { Statement } from '../nftables/nft.ts';
import { accept, counter, drop, goBack, goto, isFamily, rule } from '../nftables/statements.ts';
import { type CompiledRule, type Direction, isStaged, type RuleList, type RuleListId } from '../policy/types/types.ts';
import type { Clause } from './clause.ts';
import type { FirewallConfig } from './config.ts';
import { ALLOWED_MARK } from './host/dispatch.ts';
import { computeConditions, dependsOnFamily } from './match.ts';
import * as names from './names.ts';
import type { Rendered } from './parts.ts';
import { formatOwner, ownerOf } from './rule-owner.ts';
import type { ViewOfSet } from './set-renderer.ts';

/**
 * A bit of the packet mark that is ours, the same as Calico's for this purpose: set by a `pass` rule and cleared as
 * soon as its tier has seen it, so that no packet leaves our chains with it.
 */
export const PASS_MARK = 0x20000;

/** What denies a packet. */
export function denyStatements(config: FirewallConfig): readonly Statement[] {
  return [counter, config.denyAction === 'drop' ? drop : goto(names.REJECT_CHAIN)];
}

function isProfile(id: RuleListId): boolean {
  return id.startsWith('Profile/');
}

/** An Allow of a policy that decides early ends the later ones, too. */
function allowStatements({ early }: RuleList): readonly Statement[] {
  const notrack: readonly Statement[] = early === 'untracked' ? [{ kind: 'notrack' }] : [];
  return [
    counter,
    ...(early === undefined ? [] : [{ kind: 'mark-set', bits: ALLOWED_MARK } as const]),
    ...notrack,
    accept,
  ];
}

/** One of a staged policy counts and goes back, or on where it would log. Each counts first what it acts on; behind the head of an endpoint's chain that is packets that begin flows. */
function actionStatements(
  config: FirewallConfig,
  list: RuleList,
  action: CompiledRule['action'],
): readonly Statement[] {
  if (isStaged(list.id)) return action === 'log' ? [counter] : [counter, goBack];
  switch (action) {
    case 'allow':
      return allowStatements(list);
    case 'deny':
      return list.early === undefined ? denyStatements(config) : [counter, drop];
    case 'pass': // the rest of a profile is skipped by going back, the rest of a tier by the caller
      return [counter, ...(isProfile(list.id) ? [] : [{ kind: 'mark-set', bits: PASS_MARK } as const]), goBack];
    case 'log':
      return [
        { kind: 'limit', limit: config.logLimit },
        counter,
        {
          kind: 'log',
          prefix: `${names.commentOf(config.logPrefix).slice(0, 100)}: `,
          ...(config.logGroup === undefined ? {} : { group: config.logGroup }),
        },
      ];
  }
}

/**
 * Every way to pick one alternative of each clause. With `exclusive` no packet satisfies two of them: for rules that must
 * not act twice.
 */
function combine(clauses: readonly Clause[], exclusive: boolean): readonly (readonly Statement[])[] {
  return clauses.reduce<readonly (readonly Statement[])[]>(
    (heads, alternatives) =>
      heads.flatMap((head) =>
        alternatives.map(({ statements }, index) => {
          const earlier = exclusive ? alternatives.slice(0, index) : [];
          return [...head, ...earlier.flatMap(({ negation }) => negation ?? []), ...statements];
        }),
      ),
    [[]],
  );
}

const ICMP: readonly string[] = [PROTOCOL_ICMP, PROTOCOL_ICMPV6].map(bytesOfU8);

/** No packet is ICMP and has ports. nft would print, and read, what a rule of both asks for in another order. */
function canMatch(statements: readonly Statement[]): boolean {
  const isIcmp = statements.some(
    (one) => one.kind === 'compare' && one.field === 'l4proto' && !one.negated && ICMP.includes(one.value),
  );
  const hasPorts = (one: Statement) => one.kind === 'lookup' && one.set === names.PORT_PROTOCOLS_SET && !one.negated;
  return !isIcmp || !statements.some(hasPorts);
}

function renderRule(config: FirewallConfig, list: RuleList, from: CompiledRule, viewOf: ViewOfSet): Rendered {
  const action = actionStatements(config, list, from.action);
  const comment = formatOwner(ownerOf(from));
  const byFamily = dependsOnFamily(from);
  const rendered = (byFamily ? ([4, 6] as const) : ([4] as const)).map((family): Rendered => {
    const conditions = computeConditions(from, family, viewOf);
    if (conditions === undefined) return { rules: [], parts: [] };
    const head = byFamily ? [isFamily(family)] : [];
    const matches = combine(conditions.clauses, from.action === 'log').filter(canMatch);
    return { rules: matches.map((match) => rule([...head, ...match, ...action], comment)), parts: conditions.parts };
  });
  return join(rendered);
}

/** Those of all, one after the other. */
export function join(list: readonly Rendered[]): Rendered {
  return { rules: list.flatMap(({ rules }) => rules), parts: list.flatMap(({ parts }) => parts) };
}

/** Counts what none of its rules is about. */
const END_OF_STAGED: Rendered = { rules: [rule([counter], formatOwner({ kind: 'end-of-staged' }))], parts: [] };

/** The chain of a policy or profile: goes back when no rule decides; that of a staged policy always does. */
export function renderRuleList(
  config: FirewallConfig,
  list: RuleList,
  direction: Direction,
  viewOf: ViewOfSet,
): Rendered {
  const rules = list[direction].map((each) => renderRule(config, list, each, viewOf));
  return join(isStaged(list.id) ? [...rules, END_OF_STAGED] : rules);
}

/** Whether a rule of the list may send packets to the next tier. */
export function mayPass(list: RuleList, direction: Direction): boolean {
  return !isProfile(list.id) && !isStaged(list.id) && list[direction].some((each) => each.action === 'pass');
}
