// The one pod that a command line names, by UUID or by a file that holds it.
import { OcicatError } from '../../base/errors.ts';
import type { Context } from '../cli/context.ts';
import { readUuidFile } from '../cli/uuid.ts';
import { findPod, type Pod } from '../store/pod-store.ts';

/** Throws `invalid` unless there is exactly one name, and what findPod throws, as the cause. */
export function namedPod(
  context: Context,
  dataDir: string,
  operands: readonly string[],
  uuidFile: string | undefined,
): Pod {
  const [uuid, second] = operands;
  const fromFile = uuidFile === undefined || uuidFile === '' ? undefined : readUuidFile(uuidFile);
  const prefix = fromFile ?? uuid;
  if (prefix === undefined || second !== undefined || (fromFile !== undefined && uuid !== undefined)) {
    throw new OcicatError('invalid', `wanted one pod UUID; see "rkt help ${context.name}"`);
  }
  try {
    return findPod(dataDir, prefix);
  } catch (cause) {
    throw new OcicatError('not-found', 'problem retrieving pod', { cause });
  }
}
