// completion and __complete: the script for a shell, and what can stand under its cursor: by the table, the kinds and the store.
import { isOcicatError } from '../../base/errors.ts';
import { escapeLine } from '../../base/escape.ts';
import { findCandidates, printCandidates } from '../../cli/candidates.ts';
import { printCompletion, SHELLS } from '../../cli/completion.ts';
import { findKindByAlias, kinds } from '../../model/kinds.ts';
import type { Handler, Invocation } from '../cli/command.ts';
import { calicoctl } from './commands.ts';

/** A key press must not wait for a store that is away. */
const TIMEOUT_MS = 1_000;

async function fetchNames(invocation: Invocation, alias: string): Promise<readonly string[]> {
  const kind = findKindByAlias(alias);
  if (kind === undefined) return [];
  const [{ withStore }, { fetchList }] = await Promise.all([
    import('../store/context.ts'),
    import('../store/stored.ts'),
  ]);
  const signal = AbortSignal.any([invocation.signal, AbortSignal.timeout(TIMEOUT_MS)]);
  try {
    const list = await withStore(invocation, (datastore) => fetchList(datastore, kind, undefined, signal));
    return list.resources.map((resource) => resource.metadata.name).filter((name) => escapeLine(name) === name);
  } catch (error) {
    if (isOcicatError(error)) return [];
    throw error;
  }
}

/** Kinds with rules. */
const RULE_KINDS = [
  'networkpolicies',
  'globalnetworkpolicies',
  'stagednetworkpolicies',
  'stagedglobalnetworkpolicies',
  'profiles',
];

/** What the operands of the table offer. */
const SOURCES: Readonly<
  Record<
    string,
    (invocation: Invocation, operands: readonly string[]) => readonly string[] | Promise<readonly string[]>
  >
> = {
  kinds: () => kinds.map((kind) => kind.name.toLowerCase()),
  'writable-kinds': () => kinds.filter((kind) => !kind.readOnly).map((kind) => kind.name.toLowerCase()),
  names: async (invocation, operands) =>
    (await fetchNames(invocation, operands[0] ?? '')).filter((name) => !operands.includes(name, 1)),
  endpoints: (invocation) => fetchNames(invocation, 'workloadendpoints'),
  policies: async (invocation, operands) => {
    const lists = await Promise.all(RULE_KINDS.map((kind) => fetchNames(invocation, kind)));
    return [...new Set(lists.flat())].filter((name) => !operands.includes(name));
  },
  shells: () => SHELLS,
};

async function findValues(
  invocation: Invocation,
  wanted: ReturnType<typeof findCandidates>,
): Promise<readonly string[]> {
  if (wanted.kind === 'values') return wanted.values;
  return wanted.kind === 'files' ? [] : ((await SOURCES[wanted.source]?.(invocation, wanted.operands)) ?? []);
}

export const runComplete: Handler = async (invocation) => {
  const wanted = findCandidates(calicoctl, invocation.operands);
  invocation.stdio.write(printCandidates(wanted, await findValues(invocation, wanted)));
  return 0;
};

export const runCompletion: Handler = async ({ operands, stdio }) => {
  stdio.write(printCompletion(operands[0] ?? '', 'calicoctl'));
  return 0;
};
