// The process's own standard streams, as commands see them.
import { writeSync } from 'node:fs';
import type { Environment, Stdio } from './command.ts';

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

/** Colours are off without a terminal and with NO_COLOR (https://no-color.org). */
export function openTerminal(environment: Environment): Stdio {
  const terminal = process.stdout.isTTY === true;
  return {
    write: (text) => writeAll(1, text),
    writeError: (text) => writeAll(2, text),
    read: () => Bun.stdin.text(),
    interactive: terminal && process.stdin.isTTY === true,
    colour: terminal && (environment.NO_COLOR ?? '') === '' && environment.TERM !== 'dumb',
  };
}
