// An ADD of an endpoint whose rules the kernel refuses fails.
import type { AttachContext } from '../attach/context.ts';
import { OcicatError } from '../base/errors.ts';
import type { Dataplane } from './state/dataplane.ts';
import type { Session } from './state/session.ts';

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
