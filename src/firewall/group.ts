// Endpoints with equal policies are a group: its tiers, then its profiles, as the rules of one chain that leads to those of policies.

import type { Rule, Statement } from '../nftables/nft.ts';
import { accept, counter, goBack, isFamily, jump, rule } from '../nftables/statements.ts';
import { type Direction, isStaged, type RuleListId, type TierPolicies } from '../policy/types/types.ts';
import type { FirewallConfig } from './config.ts';
import type { MergedAction } from './merge/segment.ts';
import type { Run, RunSet } from './merged-tier.ts';
import * as names from './names.ts';
import type { Part, Rendered } from './parts.ts';
import { formatOwner } from './rule-owner.ts';
import { denyStatements, join, PASS_MARK } from './rules.ts';

/** Policies that a comment names. */
const MAX_DESCRIBED = 16;

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

const WORKLOAD_FRAME: GroupFrame = { start: [], isOpen: false };

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
