// What -f names: a file, a folder of files, or standard input.
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isOcicatError, OcicatError } from '../../base/errors.ts';
import type { Stdio } from '../cli/command.ts';

export interface TextFile {
  /** The path as given, or `stdin`. */
  readonly source: string;
  readonly text: string;
}

/** Windows and old tools write extensions in capitals. */
function isManifest(name: string): boolean {
  return /\.(ya?ml|json)$/i.test(name);
}

/** Manifests of a folder, sorted; with those of its folders if `recursive`. Links to folders are not followed: they may lead in a circle. */
async function listManifests(folder: string, recursive: boolean): Promise<readonly string[]> {
  const manifests: string[] = [];
  const entries = await readdir(folder, { withFileTypes: true });
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) manifests.push(...(recursive ? await listManifests(path, recursive) : []));
    else if (isManifest(entry.name) && !(await isFolder(path))) manifests.push(path);
  }
  return manifests;
}

/** False for a link that leads nowhere: reading it says so. */
async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch {
    return false;
  }
}

function unreadable(path: string, cause: unknown): OcicatError {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  return new OcicatError(code === 'ENOENT' ? 'not-found' : 'invalid', `open ${path}`, { cause });
}

/** The text of bytes in UTF-8 or, by their mark, in UTF-16 (YAML 1.2 §5.2). Throws `invalid` for what is neither. */
function decodeText(source: string, bytes: Uint8Array): string {
  const [first, second] = bytes;
  const encoding =
    first === 0xff && second === 0xfe ? 'utf-16le' : first === 0xfe && second === 0xff ? 'utf-16be' : 'utf-8';
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch {
    throw new OcicatError('invalid', `read ${source}: its bytes are no text in UTF-8`);
  }
}

async function readText(path: string): Promise<TextFile> {
  try {
    return { source: path, text: decodeText(path, await readFile(path)) };
  } catch (cause) {
    throw isOcicatError(cause) ? cause : unreadable(path, cause);
  }
}

/** One path, its text or the texts of what is in it. Throws `not-found` and `invalid` for what cannot be read. */
export async function readManifests(path: string, recursive: boolean, stdio: Stdio): Promise<readonly TextFile[]> {
  if (path === '-') return [{ source: 'stdin', text: decodeText('stdin', await stdio.read()) }];
  let paths: readonly string[];
  try {
    paths = (await stat(path)).isDirectory() ? await listManifests(path, recursive) : [path];
  } catch (cause) {
    throw unreadable(path, cause);
  }
  return Promise.all(paths.map(readText));
}
