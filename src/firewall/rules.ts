// Renders the rules of a policy or profile, a tier and a group of endpoints as nftables rules.

import { PROTOCOL_ICMP, PROTOCOL_ICMPV6 } from '../net/protocol.ts';
import { bytesOfU8 } from '../nftables/bytes.ts';
import type { Rule, Statement } from '../nftables/nft.ts';
import { accept, counter, drop, goBack, goto, isFamily, jump, rule, verdictOf } from '../nftables/statements.ts';
import {
  type CompiledRule,
  type Direction,
  isStaged,
  type RuleList,
  type RuleListId,
  type TierPolicies,
} from '../policy/types/types.ts';
import type { Clause } from './clause.ts';
import type { FirewallConfig } from './config.ts';
import { ALLOWED_MARK } from './host/dispatch.ts';
import { computeConditions, dependsOnFamily } from './match.ts';
import type { MergedAction } from './merge/segment.ts';
import type { Run, RunSet } from './merged-tier.ts';
import * as names from './names.ts';
import type { Part, Rendered } from './parts.ts';
import { formatOwner, ownerOf } from './rule-owner.ts';
import type { ViewOfSet } from './set-renderer.ts';

/**
 * The one bit of the packet mark that is ours, the same as Calico's for this purpose: set by a `pass` rule and cleared as
 * soon as its tier has seen it, so that no packet leaves our chains with it.
 */
const PASS_MARK = 0x20000;

/** Policies that a comment names. */
const MAX_DESCRIBED = 16;

/** What denies a packet. */
function denyStatements(config: FirewallConfig): readonly Statement[] {
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

function join(list: readonly Rendered[]): Rendered {
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

/** Whether the policy of that id may pass in the direction that is rendered. */
type PassTest = (id: RuleListId) => boolean;

/** Whether some policy of the tier may decide; one with staged policies alone passes everything on. */
function decides(tier: TierPolicies, direction: Direction): boolean {
  return tier[direction].some((id) => !isStaged(id));
}

const clearPass: Statement = { kind: 'mark-clear', bits: PASS_MARK };

/** One that passes leaves the mark, and with it the rest of the tier is skipped. */
function callRules(direction: Direction, id: RuleListId, passes: PassTest): readonly Rule[] {
  const call = rule([jump(names.rulesChain(direction, id))]);
  return passes(id) ? [call, rule([{ kind: 'mark-is', bits: PASS_MARK }, clearPass, goBack])] : [call];
}

/** How a tier reads: the chains of its policies one after the other, or runs of them merged. */
export type TierRuns = (tier: TierPolicies) => readonly Run[] | undefined;

interface TierBody {
  readonly rules: readonly Rule[];
  readonly called: readonly RuleListId[];
}

function tierBody(
  config: FirewallConfig,
  direction: Direction,
  tier: TierPolicies,
  passes: PassTest,
  runsOf: TierRuns,
): TierBody {
  const runs = runsOf(tier) ?? [{ action: undefined, sets: [], called: tier[direction] }];
  return {
    rules: runs.flatMap((run) => runRules(config, direction, run, passes)),
    called: runs.flatMap(({ called }) => called),
  };
}

function tierRules(
  config: FirewallConfig,
  direction: Direction,
  tier: TierPolicies,
  body: TierBody,
  passes: PassTest,
): readonly Rule[] {
  const owner = formatOwner({ kind: 'end-of-tier', tier: tier.tier });
  const end = rule(tier.defaultAction === 'deny' ? denyStatements(config) : [counter], owner);
  return [
    ...(body.called.some(passes) ? [rule([clearPass])] : []), // somebody else may have set the bit
    ...body.rules,
    ...(decides(tier, direction) ? [end] : []),
  ];
}

/** What the rule of a set in the tier's own chain does; there, going back ends the tier. */
function runStatements(config: FirewallConfig, action: MergedAction): readonly Statement[] {
  if (action === 'pass') return [counter, goBack];
  return action === 'allow' ? [counter, accept] : denyStatements(config);
}

function setRule({ shape, set, owner }: RunSet, action: readonly Statement[]): Rule {
  const { family, fields, prefixLengths } = shape;
  const head = family === undefined ? [] : [isFamily(family)];
  if (set === undefined) return rule([...head, ...action], owner);
  return rule([...head, { kind: 'lookup', fields, prefixLengths, negated: false, set: set.name }, ...action]);
}

/** One rule for each set, then the chains that have what is in no set. */
function runRules(config: FirewallConfig, direction: Direction, run: Run, passes: PassTest): readonly Rule[] {
  const { action, sets, called } = run;
  const statements = action === undefined ? [] : runStatements(config, action);
  return [
    ...sets.map((each) => setRule(each, statements)),
    ...called.flatMap((id) => callRules(direction, id, passes)),
  ];
}

/** A tier that cannot be skipped half-way is part of its group's chain; one that can is a chain to go back from. */
function renderTier(
  config: FirewallConfig,
  direction: Direction,
  tier: TierPolicies,
  passes: PassTest,
  runsOf: TierRuns,
): Rendered {
  const body = tierBody(config, direction, tier, passes, runsOf);
  const rules = tierRules(config, direction, tier, body, passes);
  const parts = body.called.map((id): Part => ({ kind: 'rules', direction, id }));
  if (!tier[direction].some(passes)) return { rules, parts };
  const comment = describe(`tier ${tier.tier}: `, tier[direction]);
  const name = names.tierChain(direction, JSON.stringify([comment, rules]));
  const chain = { name, rules, comment };
  return { rules: [rule([jump(name)])], parts: [{ kind: 'chain', chain, parts }] };
}

/** How the chain of a group begins, and whether what nothing decides is denied. */
export interface GroupFrame {
  readonly start: readonly Rule[];
  readonly isOpen: boolean;
}

const WORKLOAD_FRAME: GroupFrame = {
  start: [rule([verdictOf(['ct-state'], names.FLOW_STATES_MAP)])],
  isOpen: false,
};

/** Endpoints with equal policy lists in a direction are one group. */
export interface Group extends GroupFrame {
  readonly name: string;
  readonly direction: Direction;
  readonly tiers: readonly TierPolicies[];
  readonly profiles: readonly RuleListId[];
}

export function computeGroup(
  direction: Direction,
  all: readonly TierPolicies[],
  profiles: readonly RuleListId[],
  frame: GroupFrame = WORKLOAD_FRAME,
): Group {
  const tiers = all.filter((tier) => tier[direction].length > 0);
  const content = tiers.map((tier) => [tier.tier, tier.defaultAction, tier[direction]]);
  const key = JSON.stringify([content, profiles, ...(frame === WORKLOAD_FRAME ? [] : [frame])]);
  return { name: names.groupChain(direction, key), direction, tiers, profiles, ...frame };
}

/** No more of them than a comment has place for. */
function describe(what: string, ids: readonly RuleListId[]): string {
  return names.commentOf(what + ids.slice(0, MAX_DESCRIBED).join(', '));
}

export function describeGroup({ direction, tiers, profiles }: Group): string {
  return describe('', [...tiers.flatMap((tier) => tier[direction].slice(0, MAX_DESCRIBED)), ...profiles]);
}

/** Whether no packet comes out of the tier. */
function endsAll(tier: TierPolicies, direction: Direction, passes: PassTest): boolean {
  return tier.defaultAction === 'deny' && decides(tier, direction) && !tier[direction].some(passes);
}

/** Tiers in order, then profiles in order, then deny. What comes behind a tier that ends every packet is left out. */
export function renderGroup(
  config: FirewallConfig,
  group: Group,
  passes: PassTest,
  runsOf: TierRuns = () => undefined,
): Rendered {
  const { direction, start, isOpen } = group;
  const last = group.tiers.findIndex((tier) => endsAll(tier, direction, passes));
  const tiers = last < 0 ? group.tiers : group.tiers.slice(0, last + 1);
  const profiles = last < 0 ? group.profiles : [];
  return join([
    { rules: start, parts: [] },
    ...tiers.map((tier) => renderTier(config, direction, tier, passes, runsOf)),
    ...profiles.map(
      (id): Rendered => ({
        rules: [rule([jump(names.rulesChain(direction, id))])],
        parts: [{ kind: 'rules', direction, id }],
      }),
    ),
    ...(last < 0 && !isOpen
      ? [{ rules: [rule(denyStatements(config), formatOwner({ kind: 'end-of-profiles' }))], parts: [] }]
      : []),
  ]);
}
