// A compressed tar archive of texts, for diagnostics.
import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { pack } from 'tar-stream';

export interface ArchiveEntry {
  readonly name: string;
  readonly text: string;
}

/** Writes `path`, readable by its owner alone: diagnostics show how a network is protected. */
export async function writeArchive(path: string, entries: readonly ArchiveEntry[]): Promise<void> {
  const archive = pack();
  for (const { name, text } of entries) archive.entry({ name, mode: 0o600 }, text);
  archive.finalize();
  await pipeline(archive, createGzip(), createWriteStream(path, { flags: 'wx', mode: 0o600 }));
}

/** `20261123_111807`, for file names. */
export function formatTimestamp(time: Date): string {
  return time.toISOString().slice(0, 19).replaceAll('-', '').replaceAll(':', '').replace('T', '_');
}
