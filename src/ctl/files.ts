// What -f names: a file, a folder of files, or standard input.
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { OcicatError } from '../base/errors.ts';
import type { Stdio } from './command.ts';

export interface TextFile {
  /** The path as given, or `stdin`. */
  readonly source: string;
  readonly text: string;
}

function isManifest(name: string): boolean {
  return /\.(ya?ml|json)$/.test(name);
}

/** Manifests of a folder, sorted; with those of its folders if `recursive`. */
async function listManifests(folder: string, recursive: boolean): Promise<readonly string[]> {
  const found: string[] = [];
  const entries = await readdir(folder, { withFileTypes: true });
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(folder, entry.name);
    const directory = entry.isDirectory() || (entry.isSymbolicLink() && (await stat(path)).isDirectory());
    if (directory) found.push(...(recursive ? await listManifests(path, recursive) : []));
    else if (isManifest(entry.name)) found.push(path);
  }
  return found;
}

function unreadable(path: string, cause: unknown): OcicatError {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  if (code === 'ENOENT') return new OcicatError('not-found', `open ${path}: no such file or directory`);
  return new OcicatError('invalid', `open ${path}`, { cause });
}

/** One path, its text or the texts of what is in it. Throws `not-found` and `invalid` for what cannot be read. */
export async function readManifests(path: string, recursive: boolean, stdio: Stdio): Promise<readonly TextFile[]> {
  if (path === '-') return [{ source: 'stdin', text: await stdio.read() }];
  try {
    const paths = (await stat(path)).isDirectory() ? await listManifests(path, recursive) : [path];
    return await Promise.all(paths.map(async (source) => ({ source, text: await readFile(source, 'utf8') })));
  } catch (cause) {
    throw unreadable(path, cause);
  }
}
