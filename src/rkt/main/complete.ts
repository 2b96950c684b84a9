// `rkt completion` and `rkt __complete`: the script for a shell, and what can stand under its cursor.
import { isOcicatError, OcicatError } from '../../base/errors.ts';
import { type Candidates, findCandidates, printCandidates } from '../../cli/candidates.ts';
import { printCompletion, SHELLS } from '../../cli/completion.ts';
import { formatImageName } from '../../images/store/record.ts';
import { openImageStore } from '../../images/store/store.ts';
import type { Context } from '../cli/context.ts';
import { chooseDataDir } from '../cli/data-dir.ts';
import type { Handler } from '../command/command.ts';
import { nameable, observePods } from '../store/pod-store.ts';
import { rkt } from './commands.ts';

function listImageNames(context: Context): readonly string[] {
  const store = openImageStore(chooseDataDir(context));
  try {
    return store.list().map(formatImageName);
  } finally {
    store.close();
  }
}

/** What the operands of the table offer. */
const SOURCES: Readonly<Record<string, (context: Context) => readonly string[]>> = {
  pods: (context) => observePods(chooseDataDir(context), nameable).map((pod) => pod.uuid),
  images: listImageNames,
  shells: () => SHELLS,
};

/** Who may not look into the data directory is offered nothing. */
function findValues(context: Context, wanted: Candidates): readonly string[] {
  if (wanted.kind === 'values') return wanted.values;
  if (wanted.kind === 'files') return [];
  try {
    return SOURCES[wanted.source]?.(context).filter((name) => !wanted.operands.includes(name)) ?? [];
  } catch (error) {
    if (isOcicatError(error)) return [];
    throw error;
  }
}

export const runComplete: Handler = async (context, { operands }) => {
  const wanted = findCandidates(rkt, operands);
  context.stdio.stdout(printCandidates(wanted, findValues(context, wanted)));
  return 0;
};

export const runCompletion: Handler = async (context, { operands }) => {
  if (operands.length !== 1) {
    throw new OcicatError('invalid', `completion "${operands.join(' ')}": wanted one of ${SHELLS.join(', ')}`);
  }
  context.stdio.stdout(printCompletion(operands[0] ?? '', 'rkt'));
  return 0;
};
