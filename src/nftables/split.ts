// A batch that is too large to be sent at once, in parts: only of one that makes what nothing leads to yet, for a packet that is
// under way between two parts must see nothing of them.
import type { Batch, Operation } from './nft.ts';

/** New in the batch, and called by nobody but what is new as well. */
function isPreparing(batch: Batch): boolean {
  const added = new Set<string>();
  return batch.every((operation) => {
    switch (operation.kind) {
      case 'add-table':
        return true;
      case 'add-set':
        added.add(operation.set.name);
        return true;
      case 'add-chain':
        added.add(operation.chain.name);
        return operation.chain.base === undefined;
      case 'add-rule':
        return added.has(operation.chain);
      case 'add-elements':
        return added.has(operation.set.name);
      default:
        return false;
    }
  });
}

/** One operation in two; undefined where that is not possible. */
function halve(operation: Operation): readonly [Batch, Batch] | undefined {
  if (operation.kind !== 'add-elements' || operation.elements.length < 2) return undefined;
  const { set, elements } = operation;
  const middle = elements.length >> 1;
  const half = (from: number, to?: number): Batch => [
    { kind: 'add-elements', set, elements: elements.slice(from, to) },
  ];
  return [half(0, middle), half(middle)];
}

function cut(batch: Batch): readonly [Batch, Batch] | undefined {
  const [first] = batch;
  if (batch.length === 1 && first !== undefined) return halve(first);
  const middle = batch.length >> 1;
  return middle === 0 ? undefined : [batch.slice(0, middle), batch.slice(middle)];
}

function cutAll(batch: Batch, fits: (batch: Batch) => boolean): readonly Batch[] {
  const halves = fits(batch) ? undefined : cut(batch);
  return halves === undefined ? [batch] : halves.flatMap((half) => cutAll(half, fits));
}

/** In parts that fit, in order; in one when it changes what is in force, or cannot be cut further. */
export function splitBatch(batch: Batch, fits: (batch: Batch) => boolean): readonly Batch[] {
  return isPreparing(batch) ? cutAll(batch, fits) : [batch];
}
