// The project's one error class, with its closed list of codes, and the issues that a refused input carries.
import { escapeLine } from './escape.ts';

/** What a caller can tell apart. Everything else about a failure is in its message and cause. */
export type ErrorCode =
  | 'invalid' // the input breaks a rule; `issues` may name every one
  | 'not-found'
  | 'already-exists'
  | 'conflict' // somebody was faster: a compare-and-swap failed
  | 'exhausted' // a pool, range or quota is full
  | 'denied' // credentials missing or refused
  | 'not-ready' // the datastore is locked or the agent has not started: try again later
  | 'unavailable' // a server, socket or program cannot be reached or does not answer
  | 'timeout'
  | 'unsupported'
  | 'kernel' // a system call or netlink request was refused; `errno` says why
  | 'corrupt' // stored data cannot be understood
  | 'aborted' // the caller's signal fired
  | 'internal'; // a bug here

/** One broken rule: where (`spec.ingress[0].action`), what was found, what was wanted; line and column from 1 when known. */
export interface Issue {
  readonly path: string;
  readonly found: string;
  readonly wanted: string;
  readonly line?: number;
  readonly column?: number;
}

export interface ErrorDetails {
  readonly cause?: unknown;
  readonly issues?: readonly Issue[];
  readonly errno?: number;
}

/** Message grammar: action, object in quotes, colon, what is and what was wanted. */
export class OcicatError extends Error {
  readonly code: ErrorCode;
  readonly issues: readonly Issue[];
  readonly errno: number | undefined;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'OcicatError';
    this.code = code;
    this.issues = details.issues ?? [];
    this.errno = details.errno;
  }
}

/** Whether a thrown value is this project's error, with one of the given codes if any are given. */
export function isOcicatError(error: unknown, ...codes: readonly ErrorCode[]): error is OcicatError {
  return error instanceof OcicatError && (codes.length === 0 || codes.includes(error.code));
}

/**
 * A system call's failure in its own words: `no such file or directory`, without code and call. The path stands before
 * it when nobody else has said what it is about.
 */
function withoutCall(message: string, isOutermost: boolean): string {
  const [, reason, path] = /^E[A-Z0-9]+: (.*), [a-z]+(?: ('.*'))?$/s.exec(message) ?? [];
  if (reason === undefined) return message;
  return isOutermost && path !== undefined ? `${path}: ${reason}` : reason;
}

/** The messages of a thrown value and of its causes, outermost first, joined by `: `. */
export function describeError(error: unknown): string {
  const messages: string[] = [];
  for (let at: unknown = error; at !== undefined; at = at instanceof Error ? at.cause : undefined) {
    messages.push(at instanceof Error ? withoutCall(at.message, at === error) : String(at));
  }
  return messages.join(': ');
}

/** One issue on one line: `path: found X, wanted Y (line L, column C)`. */
export function formatIssue(issue: Issue): string {
  const where = issue.line === undefined ? '' : ` (line ${issue.line}, column ${issue.column ?? 1})`;
  return escapeLine(
    `${issue.path === '' ? 'document' : issue.path}: found ${issue.found}, wanted ${issue.wanted}${where}`,
  );
}
