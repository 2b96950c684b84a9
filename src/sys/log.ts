// The agent's log: one line an event on stderr, with time, level and what happened. Never a secret.
import { describeError, formatIssue, OcicatError } from '../base/errors.ts';
import { escapeLine } from '../base/escape.ts';
import { complain } from './output.ts';

export interface Log {
  info(message: string): void;
  /** Something went wrong and is being mended. */
  warn(message: string, error?: unknown): void;
  /** Something is broken until somebody acts. */
  error(message: string, error?: unknown): void;
}

function formatLine(level: string, message: string, error: unknown): string {
  const issues = error instanceof OcicatError ? error.issues.map((issue) => `; ${formatIssue(issue)}`).join('') : '';
  const cause = error === undefined ? '' : `: ${describeError(error)}${issues}`;
  return `${new Date().toISOString()} ${level} ${escapeLine(`${message}${cause}`.trimEnd())}`;
}

export function openLog(write: (line: string) => void = complain): Log {
  return {
    info: (message) => write(formatLine('INFO', message, undefined)),
    warn: (message, error) => write(formatLine('WARN', message, error)),
    error: (message, error) => write(formatLine('ERROR', message, error)),
  };
}
