// The process's own standard streams, as commands see them.
import { OcicatError } from '../../base/errors.ts';
import { escapeText } from '../../base/escape.ts';
import { besideColours, paintColours, paintNothing, wantsColours } from '../../cli/paint.ts';
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

/** Escape sequences are somebody else's, but for the colours of what is painted. */
export function openTerminal(): Stdio {
  const isTerminal = process.stdout.isTTY === true;
  const paint = wantsColours(isTerminal, process.env) ? paintColours : paintNothing;
  return {
    writePainted: (make) => writeResult(besideColours(make(paint), escapeText)),
    write: (text) => writeResult(escapeText(text)),
    writeExact: (text) => writeResult(isTerminal ? escapeText(text) : text),
    writeError: (text) => writeMessage(escapeText(text)),
    read: () => Bun.stdin.bytes(),
    interactive: isTerminal && process.stdin.isTTY === true,
  };
}
