// The process's own standard streams, as commands see them.
import { writeSync } from 'node:fs';
import { escapeText } from '../../base/escape.ts';
import type { Stdio } from './command.ts';

/** Writes everything, also to a slow pipe; a reader that has gone (`| head`) ends the program quietly. */
function writeAll(fd: 1 | 2, text: string): void {
  const bytes = Buffer.from(text);
  let at = 0;
  while (at < bytes.length) {
    try {
      at += writeSync(fd, bytes, at);
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : undefined;
      if (code === 'EPIPE') process.exit(fd === 1 ? 0 : 1);
      if (code !== 'EAGAIN') throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    }
  }
}

/** Nothing here is ever coloured, so NO_COLOR has nothing to switch off, and escape sequences are somebody else's. */
export function openTerminal(): Stdio {
  return {
    write: (text) => writeAll(1, escapeText(text)),
    writeExact: (text) => writeAll(1, process.stdout.isTTY === true ? escapeText(text) : text),
    writeError: (text) => writeAll(2, escapeText(text)),
    read: () => Bun.stdin.bytes(),
    interactive: process.stdout.isTTY === true && process.stdin.isTTY === true,
  };
}
