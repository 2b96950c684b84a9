// Rules for the moment in which members go from one set to another: they answer as the sets will, whether or not the sets have
// changed yet. A packet that is under way asks one set before such a change and the next one after it, and would find a member
// that moves in neither of them or in both.
import { shortHash } from '../base/hash.ts';
import {
  type Bytes,
  type Chain,
  isMap,
  type NftSet,
  type Rule,
  type Ruleset,
  type SetSpec,
  type Statement,
} from './nft.ts';
import type { RulesetChanges, SetElements } from './ruleset-changes.ts';

/** What becomes of one set: elements of it that nobody finds by asking the set alone. */
interface Delta {
  readonly joining: NftSet;
  readonly leaving: NftSet;
}

export interface Interim {
  /** Sets of the elements that come and go, by which the interim rules know them. */
  readonly sets: readonly NftSet[];
  /** Whether the elements of the set move last. */
  isMoving(set: string): boolean;
  /** Of chains that ask one of the moving sets. */
  asks(chain: Chain): boolean;
  render(chain: Chain): Chain;
}

const ADDRESS_BYTES: Readonly<Record<string, number>> = { ipv4_addr: 4, ipv6_addr: 16 };

/** Sets of policy: those of rules that decide, or keyed by an address, or by one with a protocol and a port. */
function isOfPolicy(set: SetSpec): boolean {
  const [first] = set.key;
  return set.decides !== undefined || (!set.interval && !isMap(set) && first !== undefined && first in ADDRESS_BYTES);
}

function decides({ decides: verdict }: SetSpec): boolean {
  return verdict !== undefined;
}

function addressOf({ key }: SetSpec, element: Bytes): Bytes {
  return element.slice(0, ADDRESS_BYTES[key[0] ?? ''] ?? 0);
}

function keysOf(list: readonly SetElements[], set: SetSpec): readonly Bytes[] {
  return list.filter((each) => each.set.name === set.name).flatMap(({ elements }) => elements.map(([key]) => key));
}

function createDelta(changes: RulesetChanges, spec: SetSpec): Delta {
  const made = (what: string, keys: readonly Bytes[]): NftSet => ({
    spec: { ...spec, name: `${what}-${shortHash([spec.name, ...keys].join(''), 16)}` },
    elements: new Map(keys.map((key) => [key, undefined])),
  });
  return {
    joining: made('joining', keysOf(changes.addedElements, spec)),
    leaving: made('leaving', keysOf(changes.removedElements, spec)),
  };
}

/** Sets that were there before, and of which elements come or go. */
function findChanged({ addedSets, addedElements, removedElements }: RulesetChanges): readonly SetSpec[] {
  const isNew = new Set(addedSets.map(({ name }) => name));
  const some = [...addedElements, ...removedElements].filter(({ elements }) => elements.length > 0);
  const specs = new Map(some.map(({ set }) => [set.name, set]));
  return [...specs.values()].filter((spec) => isOfPolicy(spec) && !isNew.has(spec.name));
}

/** Whether an address is in some set before and after: of one that comes or goes for good no packet is under way. */
function stays(address: Bytes, deltas: ReadonlyMap<string, Delta>, desired: Ruleset): boolean {
  let [before, after] = [false, false];
  for (const { spec, elements } of desired.sets.values()) {
    if (spec.key.length > 1 || !isOfPolicy(spec) || decides(spec)) continue;
    const delta = deltas.get(spec.name);
    if (elements.has(address)) after = true;
    if ((elements.has(address) && !delta?.joining.elements.has(address)) || delta?.leaving.elements.has(address))
      before = true;
    if (before && after) return true;
  }
  return false;
}

/**
 * A packet under way asks some sets before they change and those behind them after. When elements only leave, or only come to
 * sets that all decide the same, whatever it finds is what it would have found before all of that, or after.
 */
function decideAsBeforeOrAfter(specs: readonly SetSpec[], deltas: ReadonlyMap<string, Delta>): boolean {
  const all = specs.flatMap(({ name }) => deltas.get(name) ?? []);
  if (all.every(({ joining }) => joining.elements.size === 0)) return true;
  const verdicts = new Set(specs.map((spec) => spec.decides));
  return verdicts.size === 1 && all.every(({ leaving }) => leaving.elements.size === 0);
}

/** One set that changes alone does so at one instant; so do all sets for an address that they all get or all lose. */
function isNeeded(
  changes: RulesetChanges,
  specs: readonly SetSpec[],
  deltas: ReadonlyMap<string, Delta>,
  desired: Ruleset,
): boolean {
  if (changes.rewrittenChains.length > 0) return specs.length > 0;
  if (specs.length < 2) return false;
  const deciding = specs.filter(decides);
  if (deciding.length > 1 && !decideAsBeforeOrAfter(deciding, deltas)) return true;
  const moving = specs.filter((spec) => {
    if (decides(spec)) return false;
    const { joining, leaving } = deltas.get(spec.name) ?? createDelta(changes, spec);
    return [...joining.elements.keys(), ...leaving.elements.keys()].some((key) =>
      stays(addressOf(spec, key), deltas, desired),
    );
  });
  return moving.length > 1 || (moving.length > 0 && deciding.length > 0);
}

/** The ways in which a statement comes to hold: by what joins or leaves, or by the set for all else. No two hold at once. */
function expand(statement: Statement, deltas: ReadonlyMap<string, Delta>): readonly (readonly Statement[])[] {
  const delta = statement.kind === 'lookup' ? deltas.get(statement.set) : undefined;
  if (statement.kind !== 'lookup' || delta === undefined) return [[statement]];
  const among = ({ spec, elements }: NftSet, negated: boolean): readonly Statement[] =>
    elements.size === 0 ? [] : [{ ...statement, set: spec.name, negated }];
  const certain = statement.negated ? delta.leaving : delta.joining;
  const others = [...among(delta.joining, true), ...among(delta.leaving, true), statement];
  return certain.elements.size === 0 ? [others] : [among(certain, false), others];
}

function renderRule(rule: Rule, deltas: ReadonlyMap<string, Delta>): readonly Rule[] {
  const ways = rule.statements.reduce<readonly (readonly Statement[])[]>(
    (heads, statement) => heads.flatMap((head) => expand(statement, deltas).map((tail) => [...head, ...tail])),
    [[]],
  );
  return ways.map((statements) => ({ ...rule, statements }));
}

/** Undefined when the changes need none. `desired`: what is to be after them. */
export function computeInterim(changes: RulesetChanges, desired: Ruleset): Interim | undefined {
  const specs = findChanged(changes);
  const deltas = new Map(specs.map((spec) => [spec.name, createDelta(changes, spec)]));
  if (!isNeeded(changes, specs, deltas, desired)) return undefined;
  return {
    sets: [...deltas.values()]
      .flatMap(({ joining, leaving }) => [joining, leaving])
      .filter((set) => set.elements.size > 0),
    isMoving: (set) => deltas.has(set),
    asks: ({ rules }) =>
      rules.some(({ statements }) => statements.some((one) => one.kind === 'lookup' && deltas.has(one.set))),
    render: (chain) => ({ ...chain, rules: chain.rules.flatMap((rule) => renderRule(rule, deltas)) }),
  };
}
