// The static part as a batch and as text, for tests to load with nft.
import type { FirewallConfig } from '../../../src/firewall/config.ts';
import { computeBase, computeStaticPart } from '../../../src/firewall/static.ts';
import { orderChanges } from '../../../src/nftables/changes.ts';
import type { Batch, Operation } from '../../../src/nftables/nft.ts';
import { printBatch } from '../../../src/nftables/print.ts';

/**
 * Puts the static part in place and leaves the rest of the table as it is, however often it is applied: chains are
 * emptied before their rules are added.
 */
export function computeBaseBatch(config: FirewallConfig): Batch {
  const part = computeStaticPart(config);
  const changes = {
    addedSets: [...part.fixedSets, ...part.openSets].map(({ spec }) => spec),
    removedSets: [],
    addedChains: part.chains,
    rewrittenChains: [],
    removedChains: [],
    addedElements: part.fixedSets.map(({ spec, elements }) => ({ set: spec, elements: [...elements] })),
    removedElements: [],
  };
  const steps = orderChanges(changes, computeBase(config));
  const operations = steps.flat();
  const flushes = part.chains.map(({ name }): Operation => ({ kind: 'flush-chain', chain: name }));
  const firstRule = operations.findIndex(({ kind }) => kind === 'add-rule');
  return [{ kind: 'add-table' }, ...operations.slice(0, firstRule), ...flushes, ...operations.slice(firstRule)];
}

/** For `nft -f`. */
export function printBase(config: FirewallConfig): string {
  return printBatch(computeBaseBatch(config));
}
