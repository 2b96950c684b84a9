// A table in memory that follows batches as the kernel does and refuses what it refuses; the tests' measure.
import { OcicatError } from '../../../src/base/errors.ts';
import { sameValue } from '../../../src/nftables/editor.ts';
import { splitInterval } from '../../../src/nftables/keys.ts';
import {
  type Batch,
  type Bytes,
  type Chain,
  type Elements,
  type ElementValue,
  type NftSet,
  type Operation,
  type Ruleset,
  type SetSpec,
  type Verdict,
  verdictIn,
} from '../../../src/nftables/nft.ts';

interface ModelSet {
  readonly spec: SetSpec;
  readonly elements: Map<Bytes, ElementValue | undefined>;
}

interface Model {
  readonly chains: Map<string, Chain>;
  readonly sets: Map<string, ModelSet>;
}

function refuse(expected: string): never {
  throw new OcicatError('kernel', `model table: ${expected}`);
}

function must<T>(map: ReadonlyMap<string, T>, name: string): T {
  return map.get(name) ?? refuse(`"${name}" is not there`);
}

/** Chains and sets that a chain's rules name. */
function namesIn(chain: Chain): readonly string[] {
  return chain.rules.flatMap(({ statements }) =>
    statements.flatMap((statement) => {
      if (statement.kind === 'lookup' || statement.kind === 'beyond-flows' || statement.kind === 'beyond-rate-each')
        return [statement.set];
      if (statement.kind === 'verdict-map' || statement.kind === 'destination-nat-map') return [statement.map];
      return statement.kind === 'verdict' ? namesInVerdict(statement.verdict) : [];
    }),
  );
}

function namesInVerdict(verdict: Verdict | undefined): readonly string[] {
  return verdict !== undefined && 'chain' in verdict ? [verdict.chain] : [];
}

function isNamed(model: Model, name: string): boolean {
  const byRule = [...model.chains.values()].some((chain) => namesIn(chain).includes(name));
  const byElement = [...model.sets.values()].some(({ elements }) =>
    [...elements.values()].some((value) => namesInVerdict(verdictIn(value)).includes(name)),
  );
  return byRule || byElement;
}

function overlaps({ spec, elements }: ModelSet, key: Bytes): boolean {
  if (!spec.interval || elements.has(key)) return false;
  const [first, last] = splitInterval(spec, key);
  return [...elements.keys()].some((other) => {
    const [otherFirst, otherLast] = splitInterval(spec, other);
    return first <= otherLast && otherFirst <= last;
  });
}

function addElement(model: Model, set: ModelSet, key: Bytes, value: ElementValue | undefined): void {
  for (const chain of namesInVerdict(verdictIn(value))) must(model.chains, chain);
  if (set.elements.has(key) && !sameValue(set.elements.get(key), value)) refuse(`other verdict in "${set.spec.name}"`);
  if (overlaps(set, key)) refuse(`overlap in "${set.spec.name}"`);
  set.elements.set(key, value);
}

function follow(model: Model, operation: Operation): void {
  switch (operation.kind) {
    case 'add-table':
      break;
    case 'delete-table':
      model.chains.clear();
      model.sets.clear();
      break;
    case 'add-set':
      if (!model.sets.has(operation.set.name)) {
        model.sets.set(operation.set.name, { spec: operation.set, elements: new Map() });
      }
      break;
    case 'delete-set':
      must(model.sets, operation.name);
      if (isNamed(model, operation.name)) refuse(`set "${operation.name}" is busy`);
      model.sets.delete(operation.name);
      break;
    case 'add-chain':
      if (!model.chains.has(operation.chain.name)) {
        model.chains.set(operation.chain.name, { ...operation.chain, rules: [] });
      }
      break;
    case 'flush-chain':
      model.chains.set(operation.chain, { ...must(model.chains, operation.chain), rules: [] });
      break;
    case 'delete-chain':
      must(model.chains, operation.chain);
      if (isNamed(model, operation.chain)) refuse(`chain "${operation.chain}" is busy`);
      model.chains.delete(operation.chain);
      break;
    case 'add-rule': {
      const chain = must(model.chains, operation.chain);
      const named = namesIn({ name: '', rules: [operation.rule] });
      for (const name of named) must<unknown>(model.chains.has(name) ? model.chains : model.sets, name);
      model.chains.set(chain.name, { ...chain, rules: [...chain.rules, operation.rule] });
      break;
    }
    case 'add-elements': {
      const set = must(model.sets, operation.set.name);
      for (const [key, value] of operation.elements) addElement(model, set, key, value);
      break;
    }
    case 'delete-elements': {
      const set = must(model.sets, operation.set.name);
      for (const [key] of operation.elements) if (!set.elements.delete(key)) refuse(`no element in "${set.spec.name}"`);
      break;
    }
  }
}

/** Throws `kernel` for what the kernel would refuse; `ruleset` is not changed. */
export function applyToModel(ruleset: Ruleset, batch: Batch): Ruleset {
  const sets = [...ruleset.sets].map(
    ([name, { spec, elements }]) => [name, { spec, elements: new Map(elements) }] as const,
  );
  const model: Model = { chains: new Map(ruleset.chains), sets: new Map(sets) };
  for (const operation of batch) follow(model, operation);
  return model;
}

function plainElements(elements: Elements): readonly string[] {
  return [...elements].map((element) => JSON.stringify(element)).sort();
}

function plainSet({ spec, elements }: NftSet): unknown {
  return { spec, elements: plainElements(elements) };
}

/** Equal for rulesets with equal content, whatever its order was. */
export function plainRuleset({ chains, sets }: Ruleset): unknown {
  const byName = (a: readonly [string, unknown], b: readonly [string, unknown]): number => (a[0] < b[0] ? -1 : 1);
  return {
    chains: [...chains].sort(byName),
    sets: [...sets].map(([name, set]) => [name, plainSet(set)] as const).sort(byName),
  };
}
