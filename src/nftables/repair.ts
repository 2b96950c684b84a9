// Compares the table that the kernel holds with the one that is wanted, and computes what makes them equal.
import { orderChanges } from './changes.ts';
import { sameValue } from './editor.ts';
import {
  type BaseHook,
  type Element,
  type Elements,
  LAYOUT,
  type NftSet,
  type Rule,
  type Ruleset,
  type Steps,
  TABLE,
} from './nft.ts';
import type { SetElements } from './ruleset-changes.ts';
import { keyTypeNumber, valueTypeNumber } from './wire.ts';

export interface ObservedChain {
  /** Undefined for a chain that only rules call; of a hook that we never use: priority NaN, so that it equals none. */
  readonly base: BaseHook | undefined;
  /** Whether these are its rules. */
  holds(rules: readonly Rule[]): boolean;
  /** What printRuleKey makes of each rule, in order: made anew each time it is read. */
  readonly rules: readonly string[];
}

export interface ObservedSet {
  /** The kernel's number of the key type; see keyTypeNumber. */
  readonly keyType: number;
  readonly interval: boolean;
  /** That of a map's values: see valueTypeNumber; 0 of a set. */
  readonly valueType: number;
  /** Whether these are known to be its elements without a look at each; false says nothing. */
  holds(elements: Elements): boolean;
  /** Made anew each time they are read. */
  readonly elements: Elements;
}

export interface ObservedTable {
  /** The table's comment: LAYOUT if an agent of the same kind made it. */
  readonly layout: string | undefined;
  readonly chains: ReadonlyMap<string, ObservedChain>;
  readonly sets: ReadonlyMap<string, ObservedSet>;
}

/** One thing in the kernel that was not as wanted. `foreign`: it was there and nobody wanted it. */
export interface Finding {
  readonly object: 'table' | 'chain' | 'rules' | 'set' | 'elements';
  readonly name: string;
  readonly state: 'missing' | 'changed' | 'foreign';
  /** How many elements. */
  readonly count?: number;
}

export interface Repair {
  readonly findings: readonly Finding[];
  /** None when there are no findings; undefined when only another table will do. */
  readonly steps: Steps | undefined;
}

export interface RepairScope {
  /** Keep chains and sets that `desired` does not name. */
  readonly keepOthers: boolean;
  /** Sets whose elements are not looked at. */
  readonly openSets: ReadonlySet<string>;
}

const WHOLE_TABLE: RepairScope = { keepOthers: false, openSets: new Set() };

/** `chain "base-output" missing`. */
export function formatFinding({ object, name, state, count }: Finding): string {
  return `${object} "${name}" ${state}${count === undefined ? '' : ` (${count})`}`;
}

function sameBase(a: BaseHook | undefined, b: BaseHook | undefined): boolean {
  return a?.type === b?.type && a?.hook === b?.hook && a?.priority === b?.priority;
}

function sameType(observed: ObservedSet, { spec }: NftSet): boolean {
  return (
    observed.keyType === keyTypeNumber(spec) &&
    observed.interval === spec.interval &&
    observed.valueType === valueTypeNumber(spec)
  );
}

/** Objects of our names that are of another make: these cannot be changed, only replaced. */
function findMisshapen(observed: ObservedTable, desired: Ruleset): readonly Finding[] {
  const findings: Finding[] = [];
  for (const [name, chain] of desired.chains) {
    const other = observed.chains.get(name);
    if (other !== undefined && !sameBase(other.base, chain.base))
      findings.push({ object: 'chain', name, state: 'changed' });
  }
  for (const [name, set] of desired.sets) {
    const other = observed.sets.get(name);
    if (other !== undefined && !sameType(other, set)) findings.push({ object: 'set', name, state: 'changed' });
  }
  return findings;
}

/** Undefined when nothing differs. */
function compareElements(
  { spec: set, elements: desired }: NftSet,
  kept: ObservedSet,
): { readonly missing: SetElements; readonly foreign: SetElements } | undefined {
  if (kept.holds(desired)) return undefined;
  const observed = kept.elements;
  const isLacking = (other: Elements, [key, verdict]: Element): boolean =>
    !other.has(key) || !sameValue(other.get(key), verdict);
  return {
    missing: { set, elements: [...desired].filter((element) => isLacking(observed, element)) },
    foreign: { set, elements: [...observed].filter((element) => isLacking(desired, element)) },
  };
}

function elementFinding({ set, elements }: SetElements, state: 'missing' | 'foreign'): readonly Finding[] {
  return elements.length === 0 ? [] : [{ object: 'elements', name: set.name, state, count: elements.length }];
}

interface Comparison {
  readonly missing: readonly string[];
  readonly foreign: readonly string[];
  readonly common: readonly string[];
}

function compareNames(observed: ReadonlyMap<string, unknown>, desired: ReadonlyMap<string, unknown>): Comparison {
  return {
    missing: [...desired.keys()].filter((name) => !observed.has(name)),
    foreign: [...observed.keys()].filter((name) => !desired.has(name)),
    common: [...desired.keys()].filter((name) => observed.has(name)),
  };
}

function pick<T>(all: ReadonlyMap<string, T>, wanted: readonly string[]): readonly T[] {
  return wanted.flatMap((name) => all.get(name) ?? []);
}

function findingsOf(object: Finding['object'], list: readonly string[], state: Finding['state']): readonly Finding[] {
  return list.map((name) => ({ object, name, state }));
}

function repairChains(observed: ObservedTable, desired: Ruleset, scope: RepairScope) {
  const { missing, foreign, common } = compareNames(observed.chains, desired.chains);
  const removedChains = scope.keepOthers ? [] : foreign;
  const rewrittenChains = pick(desired.chains, common).filter((chain) => {
    const other = observed.chains.get(chain.name);
    return other === undefined || !other.holds(chain.rules);
  });
  const findings = [
    ...findingsOf('chain', missing, 'missing'),
    ...findingsOf(
      'rules',
      rewrittenChains.map(({ name }) => name),
      'changed',
    ),
    ...findingsOf('chain', removedChains, 'foreign'),
  ];
  return { findings, changes: { addedChains: pick(desired.chains, missing), rewrittenChains, removedChains } };
}

function repairSets(observed: ObservedTable, desired: Ruleset, scope: RepairScope) {
  const { missing, foreign, common } = compareNames(observed.sets, desired.sets);
  const removed = scope.keepOthers ? [] : foreign;
  const added = pick(desired.sets, missing);
  const compared = pick(desired.sets, common)
    .filter(({ spec }) => !spec.dynamic && !scope.openSets.has(spec.name))
    .flatMap((set) => {
      const kept = observed.sets.get(set.spec.name);
      return kept === undefined ? [] : (compareElements(set, kept) ?? []);
    });
  const findings = [
    ...findingsOf('set', missing, 'missing'),
    ...compared.flatMap(({ missing, foreign }) => [
      ...elementFinding(missing, 'missing'),
      ...elementFinding(foreign, 'foreign'),
    ]),
    ...findingsOf('set', removed, 'foreign'),
  ];
  const changes = {
    addedSets: added.map(({ spec }) => spec),
    removedSets: removed.map((name) => {
      const set = observed.sets.get(name);
      return { name, isMap: (set?.valueType ?? 0) !== 0, elements: set?.elements ?? new Map() };
    }),
    addedElements: [
      ...added.map(({ spec, elements }) => ({ set: spec, elements: [...elements] })),
      ...compared.map(({ missing }) => missing),
    ],
    removedElements: compared.map(({ foreign }) => foreign),
  };
  return { findings, changes };
}

/**
 * What an exchange of the whole table changes in the sets of policy, as steps that would do it: for whoever asks which members
 * have moved. Sets of another make, and of another layout's names, say nothing.
 */
export function computeSetDifferences(observed: ObservedTable | undefined, desired: Ruleset): Steps {
  if (observed === undefined) return [];
  const misshapen = new Set(findMisshapen(observed, desired).map(({ name }) => name));
  const sets = new Map([...observed.sets].filter(([name]) => !misshapen.has(name)));
  const { changes } = repairSets({ ...observed, sets }, desired, WHOLE_TABLE);
  const chains = { addedChains: [], rewrittenChains: [], removedChains: [] };
  return orderChanges({ ...chains, ...changes }, desired);
}

/** What the kernel holds (undefined: no table of ours) against what is wanted there. */
export function computeRepair(
  observed: ObservedTable | undefined,
  desired: Ruleset,
  scope: RepairScope = WHOLE_TABLE,
): Repair {
  if (observed?.layout !== LAYOUT) {
    const state = observed === undefined ? 'missing' : 'changed';
    return { findings: [{ object: 'table', name: TABLE, state }], steps: undefined };
  }
  const misshapen = findMisshapen(observed, desired);
  if (misshapen.length > 0) return { findings: misshapen, steps: undefined };
  const chains = repairChains(observed, desired, scope);
  const sets = repairSets(observed, desired, scope);
  return {
    findings: [...chains.findings, ...sets.findings],
    steps: orderChanges({ ...chains.changes, ...sets.changes }, desired),
  };
}
