// One HTTP exchange with a registry: time-outs, retries, and redirects that carry no credentials to another host.
import { setTimeout as sleep } from 'node:timers/promises';
import { OcicatError } from '../../base/errors.ts';
import { describeErrno, isErrno } from '../../sys/errno.ts';

/** How long a server may take to begin its answer, and to go on with it. */
const ANSWER_TIMEOUT_MS = 30_000;
const IDLE_TIMEOUT_MS = 60_000;
const MAX_REDIRECTS = 8;
const RETRY_DELAYS_MS = [100, 300, 1000];
const MAX_RETRY_AFTER_MS = 15_000;

/** What to send. */
export interface HttpRequest {
  readonly url: URL;
  readonly method?: 'GET' | 'HEAD' | 'POST' | 'PUT';
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent only to the host of `url`; neither to where it redirects nor to what that redirects to. */
  readonly authorization?: string | undefined;
  readonly body?: Uint8Array<ArrayBuffer> | Blob;
  /** For requests that take long to send; 30 s by default. */
  readonly answerTimeoutMs?: number;
}

/** How far to trust and how long to try. */
export interface HttpPolicy {
  readonly allowBadCertificates: boolean;
  /** Whether a redirect may leave https. */
  readonly allowPlainHttp: boolean;
  /** Waits before the second and each further try; 100, 300 and 1000 ms by default. 429 and 503 may ask for longer. */
  readonly retryDelaysMs?: readonly number[];
  readonly signal: AbortSignal;
}

/** The body has to be read to its end or cancelled. */
export interface HttpResponse {
  readonly status: number;
  readonly headers: Headers;
  readonly body: AsyncIterable<Uint8Array>;
  cancel(): void;
}

/** Returns any answer below 500 but 429, after retries. Throws `unavailable` with a short reason, `timeout`, or `aborted`. */
export async function sendRequest(request: HttpRequest, policy: HttpPolicy): Promise<HttpResponse> {
  for (let tries = 0; ; tries++) {
    const delayMs = (policy.retryDelaysMs ?? RETRY_DELAYS_MS)[tries];
    let waitMs = delayMs ?? 0;
    try {
      const response = await followRedirects(request, policy);
      if (response.status < 500 && response.status !== 429) return response;
      response.cancel();
      if (delayMs === undefined) {
        throw new OcicatError('unavailable', `bad HTTP status code: ${response.status}`);
      }
      waitMs = Math.max(delayMs, retryAfterMs(response.headers));
    } catch (error) {
      if (delayMs === undefined || !isWorthRetrying(error)) throw error;
    }
    await pause(waitMs, policy.signal);
  }
}

/** Waits; throws `aborted` when the signal fires. */
export async function pause(durationMs: number, signal: AbortSignal): Promise<void> {
  try {
    await sleep(durationMs, undefined, { signal });
  } catch (cause) {
    throw new OcicatError('aborted', 'download: interrupted', { cause });
  }
}

function retryAfterMs(headers: Headers): number {
  const seconds = Number(headers.get('retry-after') ?? 0);
  return Number.isFinite(seconds) ? Math.min(Math.max(seconds, 0) * 1000, MAX_RETRY_AFTER_MS) : 0;
}

/** A name that does not exist and a certificate that is not trusted stay so. */
function isWorthRetrying(error: unknown): boolean {
  if (!(error instanceof OcicatError)) return false;
  if (error.code === 'timeout') return true;
  return isErrno(
    error.cause,
    'ECONNREFUSED',
    'ECONNRESET',
    'ETIMEDOUT',
    'EPIPE',
    'EAI_AGAIN',
    'ENETUNREACH',
    'EHOSTUNREACH',
  );
}

async function followRedirects(request: HttpRequest, policy: HttpPolicy): Promise<HttpResponse> {
  let { url, authorization } = request;
  for (let hops = 0; hops <= MAX_REDIRECTS; hops++) {
    const response = await exchange({ ...request, url, authorization }, policy);
    const location = response.headers.get('location');
    if (![301, 302, 303, 307, 308].includes(response.status) || location === null) return response;
    response.cancel();
    if (!URL.canParse(location, url.href)) throw new OcicatError('unavailable', 'redirects to a malformed URL');
    const next = new URL(location, url);
    const leavesHttps = url.protocol === 'https:' && next.protocol !== 'https:';
    if (!/^https?:$/.test(next.protocol) || (leavesHttps && !policy.allowPlainHttp)) {
      throw new OcicatError('denied', `redirects to ${next.protocol}//${next.host}, which is refused`);
    }
    if (next.origin !== url.origin) authorization = undefined; // and it stays so when that host redirects back
    url = next;
  }
  throw new OcicatError('unavailable', `redirects more than ${MAX_REDIRECTS} times`);
}

async function exchange(request: HttpRequest, policy: HttpPolicy): Promise<HttpResponse> {
  const controller = new AbortController();
  const onAbort = (): void => controller.abort();
  policy.signal.addEventListener('abort', onAbort, { once: true });
  const timer = setTimeout(() => controller.abort(), request.answerTimeoutMs ?? ANSWER_TIMEOUT_MS);
  try {
    if (policy.signal.aborted) controller.abort();
    const response = await fetch(request.url.href, {
      method: request.method ?? 'GET',
      headers: {
        'User-Agent': 'ocicat',
        'Accept-Encoding': 'identity', // digests are over what the registry stores
        ...request.headers,
        ...(request.authorization === undefined ? {} : { Authorization: request.authorization }),
      },
      redirect: 'manual',
      signal: controller.signal,
      decompress: false,
      tls: { rejectUnauthorized: !policy.allowBadCertificates },
      ...(request.body === undefined ? {} : { body: request.body }),
    });
    return {
      status: response.status,
      headers: response.headers,
      body: readBody(response, controller, policy.signal, onAbort),
      cancel() {
        policy.signal.removeEventListener('abort', onAbort);
        controller.abort();
      },
    };
  } catch (cause) {
    policy.signal.removeEventListener('abort', onAbort);
    throw networkError(cause, policy.signal);
  } finally {
    clearTimeout(timer);
  }
}

async function* readBody(
  response: Response,
  controller: AbortController,
  signal: AbortSignal,
  onAbort: () => void,
): AsyncGenerator<Uint8Array> {
  let timer = setTimeout(() => controller.abort(), IDLE_TIMEOUT_MS);
  try {
    for await (const chunk of response.body ?? []) {
      clearTimeout(timer);
      yield chunk;
      timer = setTimeout(() => controller.abort(), IDLE_TIMEOUT_MS);
    }
  } catch (cause) {
    throw networkError(cause, signal);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
    controller.abort();
  }
}

/** Short, because it follows the address in a message. */
function networkError(cause: unknown, signal: AbortSignal): OcicatError {
  if (cause instanceof OcicatError) return cause;
  if (signal.aborted) return new OcicatError('aborted', 'download: interrupted', { cause });
  if (cause instanceof Error && cause.name === 'AbortError') return new OcicatError('timeout', 'does not answer');
  return new OcicatError('unavailable', describeErrno(cause), { cause });
}

/** The whole body, at most `limitBytes`. Throws `invalid` beyond. */
export async function readAll(response: HttpResponse, limitBytes: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of response.body) {
    length += part.length;
    if (length > limitBytes) throw new OcicatError('invalid', `answers with more than ${limitBytes} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts);
}
