// __complete: the words that can stand under the cursor, from the command table, the kinds and the store.
import { isOcicatError } from '../../base/errors.ts';
import { escapeLine } from '../../base/escape.ts';
import { findKindByAlias, kinds } from '../../model/kinds.ts';
import { allFlags, cutLine, findCommand, findFlag, type LineParts } from '../cli/arguments.ts';
import type { Flag, Handler, Invocation, Operand } from '../cli/command.ts';
import { commands, globalFlags } from './commands.ts';
import { SHELLS } from './completion.ts';

/** Files are completed by the shell. */
const FILES = [':files'];
/** A key press must not wait for a store that is away. */
const PATIENCE_MS = 1_000;

function nextCommandWords(words: readonly string[]): readonly string[] {
  const below = commands.filter((one) => !one.hidden && words.every((word, index) => one.words[index] === word));
  return [...new Set(below.flatMap((one) => one.words[words.length] ?? []))].sort();
}

async function namesOf(invocation: Invocation, kindWord: string): Promise<readonly string[]> {
  const kind = findKindByAlias(kindWord);
  if (kind === undefined) return [];
  const [{ withStore }, { fetchList }] = await Promise.all([
    import('../store/context.ts'),
    import('../store/stored.ts'),
  ]);
  const signal = AbortSignal.any([invocation.signal, AbortSignal.timeout(PATIENCE_MS)]);
  try {
    const list = await withStore(invocation, (datastore) => fetchList(datastore, kind, undefined, signal));
    return list.resources.map((resource) => resource.metadata.name).filter((name) => escapeLine(name) === name);
  } catch (error) {
    if (isOcicatError(error)) return [];
    throw error;
  }
}

async function operandWords(
  invocation: Invocation,
  operand: Operand | undefined,
  operands: readonly string[],
): Promise<readonly string[]> {
  switch (operand?.words) {
    case 'kinds':
      return kinds.map((kind) => kind.name.toLowerCase());
    case 'writable-kinds':
      return kinds.filter((kind) => !kind.readOnly).map((kind) => kind.name.toLowerCase());
    case 'names':
      return (await namesOf(invocation, operands[0] ?? '')).filter((name) => !operands.includes(name, 1));
    case 'shells':
      return SHELLS;
    case undefined:
      return [];
  }
}

function flagWords(flags: readonly Flag[]): readonly string[] {
  return flags.filter((flag) => !flag.hidden).map((flag) => `--${flag.name}`);
}

/** The flag whose value is being typed: it ends the finished words, without one. */
function openFlag(finished: readonly string[], given: LineParts['given'], flags: readonly Flag[]): Flag | undefined {
  const last = given.at(-1);
  if (last === undefined || last.value !== undefined || last.argument !== finished.at(-1)) return undefined;
  const flag = findFlag(flags, last.spelling);
  return flag?.value === undefined ? undefined : flag;
}

async function candidates(
  invocation: Invocation,
  finished: readonly string[],
  current: string,
): Promise<readonly string[]> {
  const { words, given } = cutLine(finished, allFlags(commands, globalFlags));
  const command = findCommand(words, commands);
  const flags = [...(command?.flags ?? []), ...globalFlags];
  const open = openFlag(finished, given, flags);
  if (open !== undefined) return open.path ? FILES : (open.words ?? []);
  if (current.startsWith('-')) return flagWords(flags);
  if (command === undefined) return nextCommandWords(words);
  const operands = words.slice(command.words.length);
  const operand = command.operands[operands.length] ?? command.operands.findLast((one) => one.many);
  return operandWords(invocation, operand, operands);
}

export const runComplete: Handler = async (invocation) => {
  const finished = invocation.operands.slice(0, -1);
  const current = invocation.operands.at(-1) ?? '';
  const words = await candidates(invocation, finished, current);
  const fitting = words === FILES ? words : words.filter((word) => word.startsWith(current));
  invocation.stdio.write(fitting.map((word) => `${word}\n`).join(''));
  return 0;
};
