// Makes the whole table anew without a moment in which nobody judges: a stand-in with the same content is there before the
// old table goes, and goes after the new one has come. Two tables that judge let through what both let through.
import { computeContent } from './changes.ts';
import { type Batch, type Operation, type Ruleset, STAND_IN_TABLE, TABLE } from './nft.ts';
import type { ObservedTable } from './repair.ts';

export interface TableStep {
  readonly table: typeof TABLE | typeof STAND_IN_TABLE;
  readonly batch: Batch;
}

function hooksOf(chains: ReadonlyMap<string, { readonly base?: unknown }>): readonly string[] {
  return [...chains].filter(([, { base }]) => base !== undefined).map(([name]) => name);
}

/** Chains that the kernel calls go before all else: a packet in them may still ask the maps. */
function remove(table: TableStep['table'], hooks: readonly string[]): readonly TableStep[] {
  const unhook = hooks.flatMap((chain): readonly Operation[] => [
    { kind: 'flush-chain', chain },
    { kind: 'delete-chain', chain },
  ]);
  return [
    { table, batch: unhook },
    { table, batch: [{ kind: 'delete-table' }] },
  ];
}

function create(table: TableStep['table'], content: Ruleset): readonly TableStep[] {
  const [first = [], ...others] = computeContent(content);
  return [[{ kind: 'add-table' } as const, ...first], ...others].map((batch) => ({ table, batch }));
}

/** Takes away what an exchange that was cut off has left. */
export function removeStandIn(standIn: ObservedTable | undefined): readonly TableStep[] {
  return standIn === undefined ? [] : remove(STAND_IN_TABLE, hooksOf(standIn.chains));
}

/**
 * From whatever is there, also after an exchange that was cut off: a stand-in that the kernel calls is complete, and is left
 * to judge; another one is not in use yet.
 */
export function computeExchange(
  table: ObservedTable | undefined,
  standIn: ObservedTable | undefined,
  desired: Ruleset,
): readonly TableStep[] {
  const isGuarded = standIn !== undefined && hooksOf(standIn.chains).length > 0;
  const old = table === undefined ? [] : remove(TABLE, hooksOf(table.chains));
  if (isGuarded) return [...old, ...create(TABLE, desired), ...removeStandIn(standIn)].filter(isSome);
  if (table === undefined) return [...create(TABLE, desired), ...removeStandIn(standIn)].filter(isSome);
  return [
    ...removeStandIn(standIn),
    ...create(STAND_IN_TABLE, desired),
    ...old,
    ...create(TABLE, desired),
    ...remove(STAND_IN_TABLE, hooksOf(desired.chains)),
  ].filter(isSome);
}

function isSome({ batch }: TableStep): boolean {
  return batch.length > 0;
}
