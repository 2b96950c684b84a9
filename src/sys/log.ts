// The agent's log: one line an event on stderr, with time, level and what happened. Never a secret.
import { describeError, formatIssue, OcicatError } from '../base/errors.ts';
import { escapeLine } from '../base/escape.ts';
import { writeErrorLine } from './output.ts';

/** From the most to the least; at `fatal` nothing is logged: what ends a program does not go through its log. */
const LEVELS = ['debug', 'info', 'warn', 'error', 'fatal'] as const;
export type LogLevel = (typeof LEVELS)[number];

export interface Log {
  /** What happens all the time. The message is made only where it is logged. */
  debug(message: () => string): void;
  info(message: string): void;
  /** Something went wrong and is being mended. */
  warn(message: string, error?: unknown): void;
  /** Something is broken until somebody acts. */
  error(message: string, error?: unknown): void;
}

/** A log whose level can be set: what is below it is not written. */
export interface LeveledLog extends Log {
  setLevel(level: LogLevel): void;
}

function formatLine(level: LogLevel, message: string, error: unknown): string {
  const issues = error instanceof OcicatError ? error.issues.map((issue) => `; ${formatIssue(issue)}`).join('') : '';
  const cause = error === undefined ? '' : `: ${describeError(error)}${issues}`;
  return `${new Date().toISOString()} ${level.toUpperCase()} ${escapeLine(`${message}${cause}`.trimEnd())}`;
}

/** Its level is `info` at first. */
export function openLog(write: (line: string) => void = writeErrorLine): LeveledLog {
  let least = LEVELS.indexOf('info');
  const isLogged = (level: LogLevel) => LEVELS.indexOf(level) >= least;
  const log = (level: LogLevel, message: string, error?: unknown) => {
    if (isLogged(level)) write(formatLine(level, message, error));
  };
  return {
    debug: (message) => isLogged('debug') && log('debug', message()),
    info: (message) => log('info', message),
    warn: (message, error) => log('warn', message, error),
    error: (message, error) => log('error', message, error),
    setLevel(level) {
      least = LEVELS.indexOf(level);
    },
  };
}
