// One request with its deadline: log-in, another endpoint, another try, as far as the request may be sent twice.
import { describeError, isOcicatError, OcicatError } from '../../base/errors.ts';
import { pause } from '../../sys/pause.ts';
import type { TokenSource } from './auth.ts';
import type { Connection } from './connection.ts';
import { computePauseMs, type EndpointPool } from './endpoints.ts';
import { isTransient, type Status, statusError, wantsNewToken, wasNotCarriedOut } from './status.ts';

interface Request {
  /** For messages: `read "KEY"`. */
  readonly action: string;
  readonly path: string;
  readonly message: Uint8Array;
  /** A read may be sent again after anything; a write only when it is known not to have happened. */
  readonly repeatable: boolean;
}

export interface Caller {
  /** The answer. Throws `unavailable`, `denied`, `aborted`, and what the server's status means. */
  call(request: Request, signal?: AbortSignal): Promise<Buffer>;
}

/** What to do after one attempt. */
type Verdict =
  | { readonly kind: 'answer'; readonly message: Buffer }
  | { readonly kind: 'again'; readonly error: OcicatError }
  | { readonly kind: 'fail'; readonly error: OcicatError };

interface Deadline {
  readonly signal: AbortSignal;
  expired(): boolean;
  end(): void;
}

function startDeadline(timeoutMs: number, outer: AbortSignal | undefined): Deadline {
  const controller = new AbortController();
  let expired = false;
  const onAbort = () => controller.abort(outer?.reason);
  const timer = setTimeout(() => {
    expired = true;
    controller.abort();
  }, timeoutMs);
  outer?.addEventListener('abort', onAbort, { once: true });
  if (outer?.aborted) onAbort();
  return {
    signal: controller.signal,
    expired: () => expired,
    end() {
      clearTimeout(timer);
      outer?.removeEventListener('abort', onAbort);
    },
  };
}

export function createCaller(pool: EndpointPool, tokens: TokenSource, timeoutMs: number): Caller {
  function judgeRefusal(request: Request, connection: Connection, token: string | undefined, status: Status): Verdict {
    const error = statusError(`${request.action} at "${connection.endpoint}"`, status);
    if (wantsNewToken(status)) return { kind: tokens.forget(token) ? 'again' : 'fail', error };
    if (!isTransient(status)) return { kind: 'fail', error };
    pool.disconnect(connection);
    return { kind: request.repeatable || wasNotCarriedOut(status) ? 'again' : 'fail', error };
  }

  async function attempt(request: Request, signal: AbortSignal): Promise<Verdict> {
    const connection = await pool.connection(signal);
    const token = await tokens.token(connection, signal);
    const result = await connection.call(request.path, request.message, token, signal);
    if (result.kind === 'answered') return { kind: 'answer', message: result.message };
    if (result.kind === 'refused') return judgeRefusal(request, connection, token, result.status);
    const reason = result.cause === undefined ? 'the connection broke' : describeError(result.cause);
    const unsure = result.sent && !request.repeatable;
    const outcome = unsure ? '; whether it was carried out is unknown' : '';
    const error = new OcicatError('unavailable', `${request.action} at "${connection.endpoint}": ${reason}${outcome}`);
    pool.disconnect(connection);
    return { kind: unsure ? 'fail' : 'again', error };
  }

  async function tryUntilDone(request: Request, signal: AbortSignal): Promise<Buffer> {
    for (let attempts = 0; ; attempts += 1) {
      const verdict = await attempt(request, signal);
      if (verdict.kind === 'answer') return verdict.message;
      if (verdict.kind === 'fail' || (verdict.error.code === 'denied' && attempts > 0)) throw verdict.error;
      if (attempts > 0) await pause(computePauseMs(attempts, Math.random()), signal);
    }
  }

  return {
    async call(request, outer) {
      const deadline = startDeadline(timeoutMs, outer);
      try {
        return await tryUntilDone(request, deadline.signal);
      } catch (error) {
        if (!deadline.expired() || !isOcicatError(error, 'aborted')) throw error;
        const unsure = request.repeatable ? '' : '; whether it was carried out is unknown';
        throw new OcicatError(
          'unavailable',
          `${request.action}: no answer from etcd ${pool.describe()} within ${timeoutMs} ms${unsure}`,
        );
      } finally {
        deadline.end();
      }
    },
  };
}
