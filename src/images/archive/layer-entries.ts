// What goes into a layer that we build ourselves, and how it becomes tar.
import { createReadStream, lstatSync, readdirSync, readlinkSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { pack as openPack, type Pack } from 'tar-stream';
import { OcicatError } from '../../base/errors.ts';

/** Paths are absolute in the image. The owner is root unless one is set; times are 1970, so that equal input gives equal digests. */
export type LayerEntry =
  | {
      readonly kind: 'file';
      readonly path: string;
      readonly content: string | Uint8Array;
      /** 0644 by default. */
      readonly mode?: number;
      readonly uid?: number;
      readonly gid?: number;
    }
  /** A file or a whole directory of this host, with its modes and symlinks. */
  | { readonly kind: 'copy'; readonly path: string; readonly source: string; readonly mode?: number }
  /** 0755 by default. */
  | {
      readonly kind: 'directory';
      readonly path: string;
      readonly mode?: number;
      readonly uid?: number;
      readonly gid?: number;
    }
  | { readonly kind: 'symlink'; readonly path: string; readonly target: string }
  /** Hides a path of the layers below. */
  | { readonly kind: 'whiteout'; readonly path: string };

/** The entries as an uncompressed tar, streamed. Throws `unavailable` when a source cannot be read. */
export async function* printLayer(entries: readonly LayerEntry[]): AsyncGenerator<Uint8Array> {
  const pack = openPack();
  const writing = writeEntries(pack, entries).catch((error: unknown) => {
    pack.destroy(error instanceof Error ? error : new Error(String(error)));
    throw error;
  });
  writing.catch(() => undefined);
  try {
    for await (const chunk of pack) {
      if (!(chunk instanceof Uint8Array)) throw new OcicatError('internal', 'tar: a chunk is not bytes');
      yield chunk;
    }
  } catch (cause) {
    await writing;
    throw cause;
  }
  await writing;
}

async function writeEntries(pack: Pack, entries: readonly LayerEntry[]): Promise<void> {
  for (const entry of entries) await addEntry(pack, entry);
  pack.finalize();
}

async function addEntry(pack: Pack, entry: LayerEntry): Promise<void> {
  const name = entry.path.replace(/^\/+/, '');
  if (name === '') throw new OcicatError('invalid', `layer entry "${entry.path}": wanted a path below /`);
  const head = { name, mtime: new Date(0) };
  switch (entry.kind) {
    case 'file': {
      const owner = { uid: entry.uid ?? 0, gid: entry.gid ?? 0 };
      pack.entry({ ...head, ...owner, mode: entry.mode ?? 0o644 }, Buffer.from(entry.content));
      return;
    }
    case 'directory': {
      const owner = { uid: entry.uid ?? 0, gid: entry.gid ?? 0 };
      pack.entry({ ...head, ...owner, type: 'directory', mode: entry.mode ?? 0o755 });
      return;
    }
    case 'symlink':
      pack.entry({ ...head, type: 'symlink', linkname: entry.target, mode: 0o777 });
      return;
    case 'whiteout':
      pack.entry({ ...head, name: name.replace(/[^/]+$/, '.wh.$&'), mode: 0o600 }, '');
      return;
    case 'copy':
      return copy(pack, entry.path, entry.source, entry.mode);
  }
}

/** The source itself may be a symlink to what is meant; symlinks inside a copied directory stay symlinks. */
async function copy(pack: Pack, path: string, source: string, mode: number | undefined, inside = false): Promise<void> {
  const stats = inside ? lstatSync(source) : statSync(source);
  if (stats.isSymbolicLink()) return addEntry(pack, { kind: 'symlink', path, target: readlinkSync(source) });
  if (stats.isDirectory()) {
    if (path.replace(/^\/+/, '') !== '') {
      await addEntry(pack, { kind: 'directory', path, mode: mode ?? stats.mode & 0o7777 });
    }
    for (const name of readdirSync(source).sort())
      await copy(pack, join(path, name), join(source, name), undefined, true);
    return;
  }
  if (!stats.isFile()) throw new OcicatError('unsupported', `copy "${source}": is neither file, directory nor symlink`);
  const head = { name: path.replace(/^\/+/, ''), mtime: new Date(0), mode: mode ?? stats.mode & 0o7777 };
  const sink = pack.entry({ ...head, size: stats.size });
  await pipeline(createReadStream(source), sink);
}
