// Where a command's output goes: results to standard output, everything else to standard error.
import { writeSync } from 'node:fs';
import { OcicatError } from '../../base/errors.ts';
import { escapeText } from '../../base/escape.ts';
import type { Columns } from '../../cli/table.ts';
import * as libc from '../../sys/libc.ts';

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

const POLLOUT = 4;

function errnoOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined;
}

/**
 * Writes everything, waiting for a slow reader, and returns the name of the error that keeps it from that, like ENOSPC. A
 * reader that has gone is none, as nobody is left to tell.
 */
export function tryWriteWhole(fd: number, bytes: Uint8Array): string | undefined {
  for (let at = 0; at < bytes.length; ) {
    try {
      at += writeSync(fd, bytes, at);
    } catch (error) {
      const errno = errnoOf(error);
      if (errno !== 'EAGAIN') return errno === 'EPIPE' ? undefined : (errno ?? 'EIO');
      libc.poll(fd, POLLOUT, -1);
    }
  }
  return undefined;
}

function writeResult(text: string): void {
  const errno = tryWriteWhole(1, Buffer.from(escapeText(text)));
  if (errno !== undefined) throw new OcicatError('unavailable', `write standard output: ${errno}`);
}

/** The process's own standard output and error. What standard error does not take is lost: there is nowhere else to say it. */
export const processStdio: Stdio = {
  stdout: writeResult,
  stderr: (text) => void tryWriteWhole(2, Buffer.from(escapeText(text))),
  moveUp: (lines) => void tryWriteWhole(2, Buffer.from(`\x1b[${lines}A`)),
};

/** Tables as rkt's tabwriter sets them: `cut -f1` yields the first column. Source: rkt v1.30.0, rkt/rkt.go. */
export const RKT_COLUMNS: Columns = { minWidth: 0, padding: 1, tabWidth: 8, ends: 'bare' };
