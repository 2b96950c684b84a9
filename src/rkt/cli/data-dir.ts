// The data directory and the configuration that may move it.
import { realpathSync, statSync } from 'node:fs';
import { OcicatError } from '../../base/errors.ts';
import { type RktConfig, readRktConfig } from '../../images/registry/config.ts';
import type { Context } from './context.ts';

/** Source: rkt v1.30.0, rkt/rkt.go. */
const DEFAULT_DATA_DIR = '/var/lib/rkt';

function resolveLinks(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path; // not there yet
  }
}

const OTHERS_WRITE = 0o002;

/** What root makes in another user's directory that user can swap for a link before root uses it. Throws `denied`. */
function refuseOthersDirectory(path: string): void {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats === undefined || process.geteuid?.() !== 0) return;
  const why = stats.uid !== 0 ? `it belongs to user ${stats.uid}` : 'everybody may write to it';
  if (stats.uid === 0 && (stats.mode & OTHERS_WRITE) === 0) return;
  throw new OcicatError('denied', `data directory "${path}": ${why}, wanted one that is root's alone to write`);
}

/** Configuration of all three directories. Throws `invalid`. */
export function readConfig(context: Pick<Context, 'directories'>): RktConfig {
  return readRktConfig(context.directories);
}

/** `--dir`, else what the configuration says, else `/var/lib/rkt`; links resolved. Throws `denied` for another user's. */
export function chooseDataDir(context: Pick<Context, 'directories'>): string {
  const path = resolveLinks(context.directories.data ?? readConfig(context).dataDir ?? DEFAULT_DATA_DIR);
  refuseOthersDirectory(path);
  return path;
}
