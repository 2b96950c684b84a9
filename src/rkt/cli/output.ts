// Where a command's output goes: results to standard output, everything else to standard error.
import { escapeText } from '../../base/escape.ts';
import type { Columns } from '../../cli/table.ts';
import { tryWriteWhole, writeOutput } from '../../sys/output.ts';

/**
 * Two sinks of text, where control characters, which are never ours, show as escapes. Each call has written all, in order,
 * when it returns; `stdout` throws `unavailable` where that cannot be.
 */
export interface Stdio {
  readonly stdout: (text: string) => void;
  readonly stderr: (text: string) => void;
  /** Moves the cursor of the terminal that standard error is, so that lines are drawn anew. */
  readonly moveUp: (lines: number) => void;
}

/** The process's own standard output and error. What standard error does not take is lost: there is nowhere else to say it. */
export const processStdio: Stdio = {
  stdout: writeOutput,
  stderr: (text) => void tryWriteWhole(2, Buffer.from(escapeText(text))),
  moveUp: (lines) => void tryWriteWhole(2, Buffer.from(`\x1b[${lines}A`)),
};

/** Tables as rkt's tabwriter sets them: `cut -f1` yields the first column. Source: rkt v1.30.0, rkt/rkt.go. */
export const RKT_COLUMNS: Columns = { minWidth: 0, padding: 1, tabWidth: 8, ends: 'bare' };
