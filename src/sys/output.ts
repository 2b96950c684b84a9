// The process's own standard streams, for programs that say little. What is not ours in it shows as escapes.
import { escapeText } from '../base/escape.ts';

/** A line, or several, to standard output. */
export function sayLine(text: string): void {
  process.stdout.write(escapeText(`${text}\n`));
}

/** A line, or several, to standard error. */
export function complain(text: string): void {
  process.stderr.write(escapeText(`${text}\n`));
}
