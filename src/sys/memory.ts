// Keeps a long-lived process small: what it needed to start, and what a burst of work left, goes back to the kernel.
import { readFileSync } from 'node:fs';
import { dropPages } from './libc.ts';

interface Mapping {
  readonly start: number;
  readonly lengthBytes: number;
}

/**
 * Code and constants of the program's own file. Not its other read-only parts: those were written to when the program was
 * loaded (RELRO), and what was written would be lost.
 */
function observeProgramMappings(): readonly Mapping[] {
  return readFileSync('/proc/self/maps', 'utf8')
    .split('\n')
    .filter((line) => line.endsWith(process.execPath))
    .flatMap((line) => {
      const match = /^([0-9a-f]+)-([0-9a-f]+) (?:r-xp|r--p 0+) /.exec(line);
      const start = Number.parseInt(match?.[1] ?? '', 16);
      return match === null ? [] : [{ start, lengthBytes: Number.parseInt(match[2] ?? '', 16) - start }];
    });
}

/**
 * Lets the kernel have the pages of the program's file that need not be mapped: about 40 MB of a started Bun, most of
 * which it never touches again. The rest comes back from the page cache when it is used, 64 KiB at a time.
 */
export function releaseProgramPages(): void {
  for (const { start, lengthBytes } of observeProgramMappings()) dropPages(start, lengthBytes);
}
