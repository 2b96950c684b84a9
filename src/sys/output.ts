// The process's own standard streams. What is not ours in a text shows as escapes.
import { writeSync } from 'node:fs';
import { OcicatError } from '../base/errors.ts';
import { escapeText } from '../base/escape.ts';
import { isErrno } from './errno.ts';
import * as libc from './libc.ts';

const POLLOUT = 4;

/**
 * Writes everything, waiting for a slow reader, and returns the name of the error that keeps it from that: ENOSPC on a full
 * disk, EPIPE when the reader has gone.
 */
export function tryWriteWhole(fd: number, bytes: Uint8Array): string | undefined {
  for (let at = 0; at < bytes.length; ) {
    try {
      at += writeSync(fd, bytes, at);
    } catch (error) {
      if (!isErrno(error, 'EAGAIN')) return error instanceof Error && 'code' in error ? String(error.code) : 'EIO';
      libc.poll(fd, POLLOUT, -1);
    }
  }
  return undefined;
}

/** Throws `unavailable` unless standard output has all of it. A reader that has gone is no failure: nobody is left to tell. */
export function writeOutput(text: string): void {
  const errno = tryWriteWhole(1, Buffer.from(escapeText(text)));
  if (errno !== undefined && errno !== 'EPIPE') throw new OcicatError('unavailable', `write standard output: ${errno}`);
}

/** A line, or several, to standard output; throws as writeOutput does. */
export function writeLine(text: string): void {
  writeOutput(`${text}\n`);
}

/**
 * A line, or several, to standard error. It does not wait for whoever reads that, since an agent's log must not stop the agent;
 * what cannot be written is lost, as there is nowhere else to say it.
 */
export function writeErrorLine(text: string): void {
  if (process.stderr.listenerCount('error') === 0) process.stderr.on('error', () => {});
  process.stderr.write(escapeText(`${text}\n`));
}
