// The host's private key: made here, in a file that root alone reads, and never anywhere else but in the device. Who deletes the
// file has another key made.
import { lstatSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { isOcicatError, OcicatError } from '../base/errors.ts';
import { readRegularFile } from '../sys/files.ts';
import { replaceFileDurably } from '../sys/replace-file.ts';
import { isKey, makePrivateKey, type WireguardKey } from './keys.ts';

/** A key and a line break. */
const MAX_BYTES = 64;
const MODE = 0o600;

/** Undefined when there is none. Throws `corrupt` for what is no key, and `denied` for a file that others may read. */
function tryRead(path: string): WireguardKey | undefined {
  let text: string;
  try {
    text = new TextDecoder().decode(readRegularFile(path, MAX_BYTES)).trim();
  } catch (error) {
    if (isOcicatError(error, 'not-found')) return undefined;
    throw error;
  }
  const { mode, uid } = lstatSync(path);
  if ((mode & 0o077) !== 0 || uid !== 0)
    throw new OcicatError('denied', `read the key in "${path}": others than root may read it; delete it for another`);
  if (isKey(text)) return text;
  throw new OcicatError('corrupt', `read the key in "${path}": it is no key; delete it for another`);
}

/** The key in the file, which is made where there is none: once and for all starts, so that the other hosts know it already. */
export function keepKey(path: string): WireguardKey {
  const standing = tryRead(path);
  if (standing !== undefined) return standing;
  const made = makePrivateKey();
  mkdirSync(dirname(path), { recursive: true });
  replaceFileDurably(path, `${made}\n`, MODE);
  return made;
}
