// The process's own standard streams, as commands see them.
import { OcicatError } from '../../base/errors.ts';
import { escapeText } from '../../base/escape.ts';
import { tryWriteWhole } from '../../sys/output.ts';
import type { Stdio } from './command.ts';

/** A reader that has gone (`| head`) ends the program quietly. Throws `unavailable` where the rest cannot be written. */
function writeResult(text: string): void {
  const errno = tryWriteWhole(1, Buffer.from(text));
  if (errno === 'EPIPE') process.exit(0);
  if (errno !== undefined) throw new OcicatError('unavailable', `write standard output: ${errno}`);
}

/** What standard error does not take is lost: there is nowhere else to say it. */
function writeMessage(text: string): void {
  if (tryWriteWhole(2, Buffer.from(text)) === 'EPIPE') process.exit(1);
}

/** Nothing here is ever coloured, so NO_COLOR has nothing to switch off, and escape sequences are somebody else's. */
export function openTerminal(): Stdio {
  return {
    write: (text) => writeResult(escapeText(text)),
    writeExact: (text) => writeResult(process.stdout.isTTY === true ? escapeText(text) : text),
    writeError: (text) => writeMessage(escapeText(text)),
    read: () => Bun.stdin.bytes(),
    interactive: process.stdout.isTTY === true && process.stdin.isTTY === true,
  };
}
