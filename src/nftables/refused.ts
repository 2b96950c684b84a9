// What the kernel has refused: the objects that the refused messages of a batch were about, and the chains that lead to them.
import type { Batch, Bytes, Operation, Rule, Ruleset, Statement } from './nft.ts';

export interface RefusedObject {
  /** Of a chain, a set or a map. */
  readonly name: string;
  /** The elements that a refused message was about; none where it was about the object itself. */
  readonly keys: ReadonlySet<Bytes>;
}

const NO_KEYS: ReadonlySet<Bytes> = new Set();

function objectOf(operation: Operation): RefusedObject | undefined {
  switch (operation.kind) {
    case 'add-set':
      return { name: operation.set.name, keys: NO_KEYS };
    case 'delete-set':
      return { name: operation.name, keys: NO_KEYS };
    case 'add-chain':
      return { name: operation.chain.name, keys: NO_KEYS };
    case 'delete-chain':
    case 'flush-chain':
    case 'add-rule':
      return { name: operation.chain, keys: NO_KEYS };
    case 'add-elements':
    case 'delete-elements':
      return { name: operation.set.name, keys: new Set(operation.elements.map(([key]) => key)) };
    case 'add-table':
    case 'delete-table':
      return undefined;
  }
}

/** `starts`: the number of each operation's first message (see encodeBatch); `messages`: numbers of those that were refused. */
export function computeRefusedObjects(
  batch: Batch,
  starts: readonly number[],
  messages: readonly number[],
): readonly RefusedObject[] {
  const operations = messages.flatMap((number) => {
    const index = starts.findLastIndex((start) => start <= number);
    return batch[index] ?? [];
  });
  return [...new Set(operations)].flatMap((operation) => objectOf(operation) ?? []);
}

function namesIn(statement: Statement): readonly string[] {
  switch (statement.kind) {
    case 'lookup':
    case 'beyond-flows':
    case 'beyond-rate-each':
      return [statement.set];
    case 'verdict-map':
      return [statement.map];
    case 'verdict':
      return 'chain' in statement.verdict ? [statement.verdict.chain] : [];
    default:
      return [];
  }
}

/** Whether a chain is one of the objects, or its rules lead to one, by whatever way. */
export function createReachTest({ chains }: Ruleset, objects: ReadonlySet<string>): (chain: string) => boolean {
  const known = new Map<string, boolean>();
  function isReaching(name: string): boolean {
    const seen = known.get(name);
    if (seen !== undefined) return seen;
    known.set(name, objects.has(name)); // rules never lead back to their own chain
    const isNaming = ({ statements }: Rule): boolean => statements.flatMap(namesIn).some(isReaching);
    const reaches = objects.has(name) || (chains.get(name)?.rules ?? []).some(isNaming);
    known.set(name, reaches);
    return reaches;
  }
  return isReaching;
}
