// The data directory and the configuration that may move it.
import { realpathSync } from 'node:fs';
import { type RktConfig, readRktConfig } from '../images/config.ts';
import type { Context } from './context.ts';

/** Source: facts §1.4. */
const DEFAULT_DATA_DIR = '/var/lib/rkt';

function resolveLinks(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path; // not there yet
  }
}

/** Configuration of all three directories. Throws `invalid`. */
export function readConfig(context: Pick<Context, 'directories'>): RktConfig {
  return readRktConfig(context.directories);
}

/** `--dir`, else what the configuration says, else `/var/lib/rkt`; links resolved. */
export function chooseDataDir(context: Pick<Context, 'directories'>): string {
  return resolveLinks(context.directories.data ?? readConfig(context).dataDir ?? DEFAULT_DATA_DIR);
}
