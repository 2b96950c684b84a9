// Doing the same to every pod that a command line names, whatever happens to the others.
import { OcicatError } from '../../base/errors.ts';
import type { Context } from '../cli/context.ts';
import { reportFailure } from '../cli/failure.ts';
import { lastFlag } from '../cli/flags.ts';
import { readUuidFile } from '../cli/uuid.ts';
import { findPod, type Pod } from '../store/pod-store.ts';
import type { Words } from './command.ts';

/** Each failure is told as it happens. Returns how many there were. Throws `invalid` when no pod is named. */
export async function forEachNamedPod(
  context: Context,
  dataDir: string,
  words: Words,
  work: (pod: Pod) => Promise<void>,
): Promise<number> {
  const file = lastFlag(words.uses, 'uuid-file') ?? '';
  if ((file === '') === (words.rest.length === 0)) {
    throw new OcicatError('invalid', `wanted pod UUIDs or --uuid-file; see "rkt help ${context.name}"`);
  }
  let failures = 0;
  for (const prefix of file === '' ? words.rest : [readUuidFile(file)]) {
    try {
      await work(find(dataDir, prefix));
    } catch (error) {
      reportFailure(context, context.name, error);
      failures += 1;
    }
  }
  return failures;
}

function find(dataDir: string, prefix: string): Pod {
  try {
    return findPod(dataDir, prefix);
  } catch (cause) {
    throw new OcicatError('not-found', 'cannot get pod', { cause });
  }
}
