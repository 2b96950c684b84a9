// Where a command's words go: results to standard output, everything else to standard error.
import { writeSync } from 'node:fs';
import { escapeText } from '../base/escape.ts';
import * as libc from '../sys/libc.ts';

/** Two sinks of text, where control characters, which are never ours, show as escapes. Each call has written all, in order, when it returns. */
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

/** Writes everything, waiting for a slow reader; a reader that has gone is not an error, as nobody is left to tell. */
export function writeWhole(fd: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; ) {
    try {
      at += writeSync(fd, bytes, at);
    } catch (error) {
      const errno = errnoOf(error);
      if (errno === 'EPIPE') return;
      if (errno !== 'EAGAIN') throw error;
      libc.poll(fd, POLLOUT, -1);
    }
  }
}

/** The process's own standard output and error. */
export const processStdio: Stdio = {
  stdout: (text) => writeWhole(1, Buffer.from(escapeText(text))),
  stderr: (text) => writeWhole(2, Buffer.from(escapeText(text))),
  moveUp: (lines) => writeWhole(2, Buffer.from(`\x1b[${lines}A`)),
};
