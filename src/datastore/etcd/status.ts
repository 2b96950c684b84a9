// gRPC's status codes and etcd's messages, reduced to what a caller does about them.
import { type ErrorCode, OcicatError } from '../../base/errors.ts';

export interface Status {
  readonly code: 'ok' | StatusCode;
  /** The server's message, for people. */
  readonly message: string;
}

/** The codes that etcd uses (https://grpc.io/docs/guides/status-codes), by their number. */
const CODES = [
  ...(['ok', 'cancelled', 'unknown', 'invalid-argument', 'deadline-exceeded', 'not-found', 'already-exists'] as const),
  ...(['permission-denied', 'resource-exhausted', 'failed-precondition', 'aborted', 'out-of-range'] as const),
  ...(['unimplemented', 'internal', 'unavailable', 'data-loss', 'unauthenticated'] as const),
] as const;

type StatusCode = Exclude<(typeof CODES)[number], 'ok'>;

function decodeMessage(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** As node:http2 hands them out; `:status` is a number there. */
export interface ResponseHeaders {
  readonly [name: string]: string | number | readonly string[] | undefined;
}

/** The status in headers or trailers; undefined when there is none yet. An HTTP error stands for one, as gRPC maps it. */
export function readStatus(headers: ResponseHeaders): Status | undefined {
  const number = headers['grpc-status'];
  if (typeof number === 'string') {
    const message = headers['grpc-message'];
    return {
      code: CODES[Number(number)] ?? 'unknown',
      message: typeof message === 'string' ? decodeMessage(message) : '',
    };
  }
  const http = Number(headers[':status'] ?? 200);
  if (http === 200) return undefined;
  const code = http === 401 ? 'unauthenticated' : http === 403 ? 'permission-denied' : 'unavailable';
  return { code, message: `HTTP status ${http}` };
}

/** The token is no longer good: a restart of the server, its expiry, or a change of users and roles. */
export function wantsNewToken({ code, message }: Status): boolean {
  return code === 'unauthenticated' || /invalid auth token|revision of auth store is old/.test(message);
}

/** Users and passwords are not switched on: go on without. */
export function saysAuthIsOff({ message }: Status): boolean {
  return /authentication is not enabled/.test(message);
}

function saysCompacted({ code, message }: Status): boolean {
  return code === 'out-of-range' && /compacted/.test(message);
}

/** This member cannot help now but another, or the same one soon, may. */
export function isTransient({ code, message }: Status): boolean {
  return (
    code === 'unavailable' ||
    /raft proposal dropped|leader changed|no leader|etcdserver: (server )?stopped/.test(message)
  );
}

/** Refused before anything was proposed: safe to send again. */
export function wasNotCarriedOut({ message }: Status): boolean {
  return /no leader|raft proposal dropped|too many requests|not healthy|not supported for learner/.test(message);
}

/** What a caller sees of each code; the transient ones are `unavailable` once nobody else can be asked. */
const CALLER_CODES: Readonly<Record<StatusCode, ErrorCode>> = {
  cancelled: 'unavailable',
  unknown: 'internal',
  'invalid-argument': 'invalid',
  'deadline-exceeded': 'unavailable',
  'not-found': 'not-found',
  'already-exists': 'already-exists',
  'permission-denied': 'denied',
  'resource-exhausted': 'exhausted',
  'failed-precondition': 'invalid',
  aborted: 'conflict',
  'out-of-range': 'invalid',
  unimplemented: 'unsupported',
  internal: 'internal',
  unavailable: 'unavailable',
  'data-loss': 'corrupt',
  unauthenticated: 'denied',
};

/** The error for a refused request: `ACTION: the server's message`. */
export function statusError(action: string, status: Status): OcicatError {
  const message = status.message === '' ? status.code : status.message;
  return new OcicatError(callerCode(status), `${action}: ${message}`);
}

function callerCode(status: Status): ErrorCode {
  if (status.code === 'ok') return 'internal';
  if (isTransient(status)) return 'unavailable';
  if (saysCompacted(status)) return 'not-found';
  if (/user name is empty|invalid user ID or password/.test(status.message)) return 'denied';
  if (/database space exceeded/.test(status.message)) return 'exhausted';
  return CALLER_CODES[status.code];
}
