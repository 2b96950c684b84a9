// What `calicoctl node status` reads of what the agent alone knows: lines, in a file beside its socket.
import { mkdirSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Log } from '../sys/log.ts';
import { replaceFile } from '../sys/replace-file.ts';

/** Puts the lines at the path; no file where there is none. */
export function createStatusFile(path: string, log: Log): (lines: readonly string[]) => void {
  return (lines) => {
    try {
      mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
      if (lines.length === 0) rmSync(path, { force: true });
      else replaceFile(path, lines.map((line) => `${line}\n`).join(''), 0o600);
    } catch (error) {
      log.warn(`write "${path}": node status does not show what is in it`, error);
    }
  };
}
