// One HTTP/2 connection to one etcd endpoint: gRPC calls and streams on it, and a ping that notices when nobody answers.
import type { ClientHttp2Session, ClientHttp2Stream, IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http2';
import { connect as connectLocally } from 'node:net';
import { OcicatError } from '../../base/errors.ts';
import { describeConnectFailure } from './connect-failure.ts';
import { createDeframer, frameMessage } from './framing.ts';
import { readStatus, type Status } from './status.ts';

/** PEM texts. Without any the machine's own authorities vouch for the server. */
export interface TlsMaterial {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

/** How one call ended. */
type CallResult =
  | { readonly kind: 'answered'; readonly message: Buffer }
  /** The server refused it. */
  | { readonly kind: 'refused'; readonly status: Status }
  /** The connection ended first; if it was `sent` the server may have carried it out. */
  | { readonly kind: 'lost'; readonly sent: boolean; readonly cause: unknown };

/** How a stream ended; the server never ends one with success. */
export type StreamEnd = Exclude<CallResult, { kind: 'answered' }>;

export interface MessageStream {
  send(message: Uint8Array): void;
  /** Messages as they come, no faster than they are taken; returns how the stream ended. Leaving it cancels the stream. */
  receive(): AsyncGenerator<Buffer, StreamEnd>;
}

export interface Connection {
  readonly endpoint: string;
  /** Of this host; undefined on a Unix socket. */
  readonly localAddress: string | undefined;
  /** False as soon as the connection is ending. */
  isOpen(): boolean;
  /** Throws `aborted` when the signal fires; else returns an outcome, also when the connection breaks. */
  call(path: string, message: Uint8Array, token: string | undefined, signal: AbortSignal): Promise<CallResult>;
  /** Ends when the signal fires. */
  openStream(path: string, token: string | undefined, signal: AbortSignal): MessageStream;
  close(): void;
}

/**
 * Above etcd's `--grpc-keepalive-min-time` of 5 s, below which its server hangs up for too many pings; and only while
 * something is open, because it counts every ping on an idle connection as too many.
 */
const PING_INTERVAL_MS = 6_000;
const PING_TIMEOUT_MS = 3_000;

/** So that a page of 4 MB needs no round trips for window updates. */
const WINDOW_BYTES = 8 * 1024 * 1024;

/** Bun hangs up by itself (ENHANCE_YOUR_CALM) when more than this waits to be sent; its default of 10 is eight big transactions. */
const SESSION_MEMORY_MB = 1024;

function requestHeaders(path: string, token: string | undefined): OutgoingHttpHeaders {
  const headers = { ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers' };
  return token === undefined ? headers : { ...headers, token };
}

/** A member that loses its leader ends the stream, instead of keeping silent. */
const NEEDS_LEADER = { hasleader: 'true' };

/** Opens a TCP (or TLS) connection and speaks HTTP/2 on it. Throws `unavailable` or `denied` with the endpoint's name. */
export async function openConnection(
  endpoint: string,
  tls: TlsMaterial,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<Connection> {
  const http2 = await import('node:http2');
  const settings = { enablePush: false, initialWindowSize: WINDOW_BYTES };
  const options = { ...tls, settings, maxSessionMemory: SESSION_MEMORY_MB };
  const path = socketPathOf(endpoint);
  const session =
    path === undefined
      ? http2.connect(endpoint, options)
      : http2.connect('http://localhost', { ...options, createConnection: () => connectLocally(path) });
  await untilConnected(session, timeoutMs, signal).catch(async (cause: Error) => {
    const reason = await describeConnectFailure(cause, endpoint, timeoutMs);
    throw new OcicatError('unavailable', `connect to etcd "${endpoint}": ${reason}`, { cause });
  });
  session.setLocalWindowSize(WINDOW_BYTES);
  return createConnection(session, endpoint);
}

/** The path in `unix://PATH`; undefined for an endpoint of another kind. */
function socketPathOf(endpoint: string): string | undefined {
  return endpoint.startsWith('unix://') ? endpoint.slice('unix://'.length) : undefined;
}

/**
 * Ends the connection at once. Without an error Bun keeps the socket, and with it the process, until the other side hangs
 * up, which one that says nothing never does.
 */
function hangUp(session: ClientHttp2Session, why: Error = new Error('closed')): void {
  if (session.listenerCount('error') === 0) session.on('error', () => undefined);
  session.destroy(why);
}

/**
 * The first settings frame of the server is the proof that it speaks HTTP/2 and, with TLS, took our certificate. Rejects
 * with what went wrong.
 */
function untilConnected(session: ClientHttp2Session, timeoutMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (cause: Error) => {
      finish();
      hangUp(session, cause);
      reject(cause);
    };
    const onError = fail;
    const onClose = () => fail(new Error('it hung up at once'));
    const onAbort = () => fail(new Error('aborted', { cause: signal.reason }));
    const timer = setTimeout(() => fail(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
    const onReady = () => {
      finish();
      resolve();
    };
    const finish = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      session.off('error', onError).off('close', onClose).off('remoteSettings', onReady);
    };
    session.on('error', onError).on('close', onClose).on('remoteSettings', onReady);
    signal.addEventListener('abort', onAbort);
    if (signal.aborted) onAbort();
  });
}

interface Pinger {
  /** Pings go on while a stream is open. */
  follow(stream: ClientHttp2Stream): void;
  stop(): void;
}

function createPinger(session: ClientHttp2Session, endpoint: string, fail: (reason: unknown) => void): Pinger {
  let streams = 0;
  let timer: Timer | undefined;

  function ping(): void {
    const late = setTimeout(
      () => fail(new OcicatError('unavailable', `ping etcd "${endpoint}": no answer within ${PING_TIMEOUT_MS} ms`)),
      PING_TIMEOUT_MS,
    );
    const sent = session.ping((error) => {
      clearTimeout(late);
      if (error !== null) fail(error);
    });
    if (!sent) clearTimeout(late);
  }

  function stop(): void {
    clearInterval(timer);
    timer = undefined;
  }

  return {
    follow(stream) {
      streams += 1;
      timer ??= setInterval(ping, PING_INTERVAL_MS);
      stream.once('close', () => {
        streams -= 1;
        if (streams === 0) stop();
      });
    },
    stop,
  };
}

function createConnection(session: ClientHttp2Session, endpoint: string): Connection {
  let cause: unknown;

  function fail(reason: unknown): void {
    cause ??= reason;
    hangUp(session);
  }

  const pinger = createPinger(session, endpoint, fail);

  session.on('error', (reason) => {
    cause ??= reason;
  });
  session.on('goaway', (code) => {
    cause ??= new OcicatError('unavailable', `use etcd "${endpoint}": it hangs up (HTTP/2 code ${code})`);
    session.close();
  });
  session.on('close', pinger.stop);

  const isOpen = () => !session.closed && !session.destroyed;
  const lost = (sent: boolean, reason: unknown): StreamEnd => ({ kind: 'lost', sent, cause: cause ?? reason });

  /** Undefined when the connection is gone before anything was sent. */
  function request(headers: OutgoingHttpHeaders): ClientHttp2Stream | undefined {
    if (!isOpen()) return undefined;
    try {
      const stream = session.request(headers);
      pinger.follow(stream);
      return stream;
    } catch (reason) {
      cause ??= reason;
      return undefined;
    }
  }

  return {
    endpoint,
    localAddress: session.socket?.localAddress,
    isOpen,
    call(path, message, token, signal) {
      const stream = request(requestHeaders(path, token));
      if (stream === undefined) return Promise.resolve(lost(false, undefined));
      return runCall(stream, message, signal, lost);
    },
    openStream(path, token, signal) {
      const stream = request({ ...requestHeaders(path, token), ...NEEDS_LEADER });
      return stream === undefined ? deadStream(lost(false, undefined)) : createStream(stream, signal, lost);
    },
    close: () => hangUp(session),
  };
}

type Lost = (sent: boolean, reason: unknown) => StreamEnd;

/** HTTP/2 error codes (RFC 9113 §7). */
const REFUSED_STREAM = 7;
const CANCEL = 8;

/** Collects the status, which comes in the trailers or, when there is nothing else to say, in the headers. */
function watchStatus(stream: ClientHttp2Stream): () => Status | undefined {
  let status: Status | undefined;
  const take = (headers: IncomingHttpHeaders) => {
    status = readStatus(headers) ?? status;
  };
  stream.on('response', take).on('trailers', take);
  return () => status;
}

function endOf(stream: ClientHttp2Stream, status: Status | undefined, reason: unknown, lost: Lost): StreamEnd {
  if (status !== undefined) return { kind: 'refused', status };
  return lost(stream.rstCode !== REFUSED_STREAM, reason);
}

function runCall(stream: ClientHttp2Stream, message: Uint8Array, signal: AbortSignal, lost: Lost): Promise<CallResult> {
  return new Promise((resolve, reject) => {
    const status = watchStatus(stream);
    const deframer = createDeframer();
    let answer: Buffer | undefined;
    let reason: unknown;
    const onAbort = () => {
      stream.close(CANCEL);
      reject(new OcicatError('aborted', 'ask etcd: aborted', { cause: signal.reason }));
    };
    stream.on('data', (chunk: Buffer) => {
      try {
        answer = deframer.push(chunk)[0] ?? answer;
      } catch (error) {
        reason = error;
        stream.close(CANCEL);
      }
    });
    stream.on('error', (error) => {
      reason ??= error;
    });
    stream.once('close', () => {
      signal.removeEventListener('abort', onAbort);
      const ended = status();
      if (ended?.code === 'ok' && answer !== undefined) resolve({ kind: 'answered', message: answer });
      else resolve(endOf(stream, ended, reason, lost));
    });
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    else stream.end(frameMessage(message));
  });
}

const NO_MESSAGES: readonly Buffer[] = [];

/** A stream that ended before its first message. */
function deadStream(end: StreamEnd): MessageStream {
  return {
    send() {},
    async *receive() {
      yield* NO_MESSAGES;
      return end;
    },
  };
}

function createStream(stream: ClientHttp2Stream, signal: AbortSignal, lost: Lost): MessageStream {
  const status = watchStatus(stream);
  const deframer = createDeframer();
  let reason: unknown;
  const cancel = () => stream.close(CANCEL);
  stream.on('error', (error) => {
    reason ??= error;
  });
  stream.once('close', () => signal.removeEventListener('abort', cancel));
  signal.addEventListener('abort', cancel, { once: true });
  if (signal.aborted) cancel();
  return {
    send(message) {
      if (!stream.destroyed && !stream.closed) stream.write(frameMessage(message));
    },
    async *receive() {
      try {
        for await (const chunk of stream) yield* deframer.push(chunk as Buffer);
      } catch (error) {
        reason ??= error;
      } finally {
        cancel();
      }
      return endOf(stream, status(), reason, lost);
    },
  };
}
