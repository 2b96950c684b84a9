// Doing the same to every pod that a command line names, whatever happens to the others.

import { OcicatError } from '../../base/errors.ts';
import { flagValue } from '../../cli/flags.ts';
import type { Context } from '../cli/context.ts';
import { reportFailure } from '../cli/failure.ts';
import { readUuidFile } from '../cli/uuid.ts';
import { findPod, type Pod } from '../store/pod-store.ts';
import type { Arguments } from './command.ts';

/** Each failure is reported as it happens. Returns how many there were. Throws `invalid` when no pod is named. */
export async function forEachNamedPod(
  context: Context,
  dataDir: string,
  line: Arguments,
  work: (pod: Pod) => Promise<void>,
): Promise<number> {
  const file = flagValue(line, 'uuid-file') ?? '';
  if ((file === '') === (line.operands.length === 0)) {
    throw new OcicatError('invalid', `wanted pod UUIDs or --uuid-file; see "rkt help ${context.name}"`);
  }
  let failures = 0;
  for (const prefix of file === '' ? line.operands : [readUuidFile(file)]) {
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
