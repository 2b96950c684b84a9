// What the rules in this host's kernel have counted, told of the rules that somebody wrote, in the order in which a packet meets
// them. Established flows do not come to rules, so what is counted is packets that begin flows.
import { rulesChain } from '../../firewall/names.ts';
import {
  endOfTier,
  formatOwner,
  type RuleOwner,
  tryParseChainOwner,
  tryParseOwner,
} from '../../firewall/rule-owner.ts';
import { computeTiers } from '../../policy/index/order.ts';
import { BUILT_IN_PROFILES, type PolicyInput, type ProfileInput, type RuleInput } from '../../policy/types/input.ts';
import {
  DIRECTIONS,
  type Direction,
  isStaged,
  type RuleAction,
  type RuleListId,
  type TierPolicies,
} from '../../policy/types/types.ts';
import type { Cluster } from '../cluster.ts';

interface Count {
  readonly packets: number;
  readonly bytes: number;
}

/** A chain of the kernel. */
export interface CountedChain {
  readonly comment: string | undefined;
  readonly rules: readonly { readonly comment: string | undefined; readonly count: Count | undefined }[];
}

export interface StatsRow extends Count {
  readonly direction: Direction;
  /** Undefined for profiles, and for what the store does not know. */
  readonly tier: string | undefined;
  /** The policy or profile; undefined for the end of a tier, or of all. */
  readonly id: RuleListId | undefined;
  /** As the store has it. */
  readonly policy: PolicyInput | undefined;
  /** The rule's place in its resource; undefined for an end. */
  readonly rule: number | undefined;
  /** Annotations of the rule. */
  readonly note: string | undefined;
  /** What is done with the packets, or would be; undefined where the store does not say. */
  readonly action: RuleAction | 'next' | undefined;
  /** `set`: the policy is on trial, and its actions are not done. `delete`: it is in force, and its absence is on trial. */
  readonly staged: 'set' | 'delete' | undefined;
}

/** By the comments of their rules: what several rules of one owner have counted together. */
type Counts = ReadonlyMap<string, Count>;

function countsOf(chains: Iterable<CountedChain>): Counts {
  const counts = new Map<string, Count>();
  for (const { rules } of chains) {
    for (const { comment = '', count } of rules) {
      const owner = tryParseOwner(comment);
      if (owner === undefined || count === undefined) continue;
      const key = keyOf(owner);
      const { packets, bytes } = counts.get(key) ?? { packets: 0, bytes: 0 };
      counts.set(key, { packets: packets + count.packets, bytes: bytes + count.bytes });
    }
  }
  return counts;
}

/** A rule is known by its place, whatever its annotations are now. */
function keyOf(owner: RuleOwner): string {
  return formatOwner(owner.kind === 'rule' ? { ...owner, note: undefined } : owner);
}

const NOTHING: Count = { packets: 0, bytes: 0 };

type Place = Pick<StatsRow, 'direction' | 'tier' | 'policy' | 'staged'> & { readonly id: RuleListId };

function rowsOfRules(place: Place, rules: readonly RuleInput[], counts: Counts): readonly StatsRow[] {
  return rules.map(({ index, action, comment }) => {
    const count = counts.get(keyOf({ kind: 'rule', index, note: undefined })) ?? NOTHING;
    return { ...place, rule: index, note: comment, action, ...count };
  });
}

/** A staged policy also says how many packets none of its rules is about. */
function rowsOfPolicy(place: Place, rules: readonly RuleInput[], counts: Counts): readonly StatsRow[] {
  const rows = rowsOfRules(place, rules, counts);
  if (place.staged !== 'set') return rows;
  const rest = counts.get(keyOf({ kind: 'end-of-staged' })) ?? NOTHING;
  return [...rows, { ...place, rule: undefined, note: undefined, action: 'next', ...rest }];
}

/** Of a chain whose policy or profile the store does not have, which the agent has not seen yet: as far as the kernel tells. */
function rowsOfUnknown(direction: Direction, id: RuleListId, chain: CountedChain): readonly StatsRow[] {
  const place = { direction, id, tier: undefined, policy: undefined, staged: undefined, action: undefined };
  return [...countsOf([chain])].map(([key, count]) => {
    const owner = tryParseOwner(key);
    return { ...place, rule: owner?.kind === 'rule' ? owner.index : undefined, note: undefined, ...count };
  });
}

interface Listed {
  readonly policies: ReadonlyMap<RuleListId, PolicyInput>;
  readonly tiers: readonly TierPolicies[];
  readonly profiles: readonly (readonly [RuleListId, ProfileInput])[];
  /** Policies whose absence is on trial. */
  readonly deleted: ReadonlySet<RuleListId>;
}

/** All of the store, policies on trial among the others. */
function listAll({ snapshot, staged }: Cluster): Listed {
  const onTrial = staged.flatMap(({ id, update }) => (update.value === undefined ? [] : [[id, update.value] as const]));
  const policies = new Map([...snapshot.policies, ...onTrial]);
  const placed = [...policies].map(([id, template]) => ({ id, template }));
  const profiles = [...BUILT_IN_PROFILES, ...snapshot.profiles].map(
    ([name, one]) => [`Profile//${name}`, one] as const,
  );
  const deleted = new Set(staged.flatMap(({ action, update }) => (action === 'delete' ? [update.id] : [])));
  return { policies, tiers: computeTiers(placed, snapshot.tiers), profiles, deleted };
}

/** Those of groups of endpoints, in which the ends of tiers are. */
function isGroupChain(name: string, direction: Direction): boolean {
  return name.startsWith(`group-${direction}-`) || name.startsWith(`tier-${direction}-`);
}

function rowsOfDirection(
  direction: Direction,
  listed: Listed,
  chains: ReadonlyMap<string, CountedChain>,
): readonly StatsRow[] {
  const ends = countsOf([...chains].filter(([name]) => isGroupChain(name, direction)).map(([, chain]) => chain));
  const none = { direction, id: undefined, policy: undefined, rule: undefined, note: undefined, staged: undefined };
  const endRow = (owner: RuleOwner | undefined, tier: string | undefined, action: StatsRow['action']) => {
    const count = owner === undefined ? undefined : ends.get(keyOf(owner));
    return count === undefined ? [] : [{ ...none, tier, action, ...count }];
  };
  const held = (id: RuleListId) => chains.get(rulesChain(direction, id));
  const ofTiers = listed.tiers.flatMap(({ tier, defaultAction, [direction]: ids }) => [
    ...ids.flatMap((id) => {
      const [chain, policy] = [held(id), listed.policies.get(id)];
      const rules = policy?.[direction];
      if (chain === undefined || rules === undefined) return [];
      const staged = isStaged(id) ? 'set' : listed.deleted.has(id) ? 'delete' : undefined;
      return rowsOfPolicy({ direction, tier, id, policy, staged }, rules, countsOf([chain]));
    }),
    ...endRow(endOfTier(tier), tier, defaultAction === 'deny' ? 'deny' : 'next'),
  ]);
  const ofProfiles = listed.profiles.flatMap(([id, profile]) => {
    const chain = held(id);
    const place = { direction, tier: undefined, id, policy: undefined, staged: undefined };
    return chain === undefined ? [] : rowsOfRules(place, profile[direction], countsOf([chain]));
  });
  return [...ofTiers, ...ofProfiles, ...endRow({ kind: 'end-of-profiles' }, undefined, 'deny')];
}

/** `chains`: what the kernel holds, by name. Policies that no endpoint of this host is under are not there. */
export function computeStats(cluster: Cluster, chains: ReadonlyMap<string, CountedChain>): readonly StatsRow[] {
  const listed = listAll(cluster);
  const known = new Set([...listed.policies.keys(), ...listed.profiles.map(([id]) => id)]);
  const unknown = [...chains].flatMap(([name, chain]) => {
    const owner = tryParseChainOwner(name, chain.comment);
    return owner === undefined || known.has(owner.id) ? [] : rowsOfUnknown(owner.direction, owner.id, chain);
  });
  return [...DIRECTIONS.flatMap((direction) => rowsOfDirection(direction, listed, chains)), ...unknown];
}
