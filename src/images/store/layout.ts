// Where things lie in the store's directory.
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { Digest } from '../spec/digest.ts';

/** All below `cas/` of the data directory, on one file system. */
export interface StoreLayout {
  /** Shared by everybody who has the store open; held alone while sweeping. */
  readonly lock: string;
  /** Image records, `<64 hex>.json`; the file's modification time is the image's last use. */
  readonly images: string;
  /** References as typed → image ID. */
  readonly references: string;
  /** Unpacked layers: `<32 hex of the chain ID>/layer.json` and `/fs`. */
  readonly trees: string;
  /** Downloads: `sha256-<hex>` whole and verified, `….partial` not yet. */
  readonly blobs: string;
  /** One lock for each manifest being fetched. */
  readonly locks: string;
  /** Things being made; whoever finds himself alone empties it. */
  readonly tmp: string;
}

/** `dataDir` is rkt’s, `/var/lib/rkt` by default. */
export function computeLayout(dataDir: string): StoreLayout {
  const at = (name: string): string => join(dataDir, 'cas', name);
  return {
    lock: at('lock'),
    images: at('image'),
    references: at('ref'),
    trees: at('tree'),
    blobs: at('blob'),
    locks: at('locks'),
    tmp: at('tmp'),
  };
}

/** The record's file. */
export function recordPath(layout: StoreLayout, id: string): string {
  return join(layout.images, `${id.slice('sha512-'.length)}.json`);
}

/** The file that remembers a reference; the name is a hash because references hold slashes. */
export function referencePath(layout: StoreLayout, reference: string): string {
  return join(layout.references, `${createHash('sha256').update(reference).digest('base64url')}.json`);
}

/**
 * The directory of an unpacked layer. Half of the digest keeps an overlay mount's option text, one page in all, short:
 * 70 layers fit below /var/lib/rkt. layer.json holds the whole digest, and a tree is used only when that is equal.
 */
export function treePath(layout: StoreLayout, chainId: Digest): string {
  return join(layout.trees, chainId.hex.slice(0, 32));
}
