// Endpoints whose rules the kernel refuses: named in a file for `calicoctl node status`, and an ADD of one of them fails.
import { mkdirSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import type { AttachContext } from '../attach/context.ts';
import { OcicatError } from '../base/errors.ts';
import type { Log } from '../sys/log.ts';
import { replaceFile } from '../sys/replace-file.ts';
import type { Dataplane } from './state/dataplane.ts';
import type { Session } from './state/session.ts';

/** Puts the lines at the path; no file where there is none. */
export function createRefusedFile(path: string, log: Log): (lines: readonly string[]) => void {
  return (lines) => {
    try {
      mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
      if (lines.length === 0) rmSync(path, { force: true });
      else replaceFile(path, lines.map((line) => `${line}\n`).join(''), 0o600);
    } catch (error) {
      log.warn('say for node status which endpoints are closed', error);
    }
  };
}

/** The policy of all that is known is in the kernel, and that of this endpoint is among it; or it throws. */
export function createPolicyApplied(
  session: Pick<Session, 'flushWhole'>,
  dataplane: Pick<Dataplane, 'whyClosed'>,
): AttachContext['policyApplied'] {
  return async ({ metadata: { namespace, name } }, _modRevision, signal) => {
    await session.flushWhole(signal);
    const id = `${namespace}/${name}`;
    const why = dataplane.whyClosed(id);
    if (why !== undefined) throw new OcicatError('kernel', `put the rules of endpoint "${id}" into the kernel: ${why}`);
  };
}
