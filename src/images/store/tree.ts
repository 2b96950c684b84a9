// Layer trees in the store: `<chain>/fs` is the unpacked layer, `<chain>/layer.json` says which layer it is.
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { parseDocument } from '../../schema/parse.ts';
import { integer, text } from '../../schema/scalars.ts';
import { object, type Schema } from '../../schema/schema.ts';
import { tryReadText } from '../../sys/files.ts';
import type { Digest } from '../spec/digest.ts';
import { type StoreLayout, treePath } from './layout.ts';

/** The content of layer.json. */
export interface TreeRecord {
  /** The whole chain ID; the directory's name is a part of it. */
  readonly chainId: string;
  /** Size of the uncompressed tar. */
  readonly sizeBytes: number;
}

const treeRecord: Schema<TreeRecord> = object({ chainId: text(), sizeBytes: integer(0, Number.MAX_SAFE_INTEGER) });

/** Undefined when the layer is not there, or another layer has its place. */
export function tryReadTree(layout: StoreLayout, chainId: Digest): TreeRecord | undefined {
  const path = join(treePath(layout, chainId), 'layer.json');
  const json = tryReadText(path);
  if (json === undefined) return undefined;
  const record = parseDocument(`layer "${path}"`, json, treeRecord, 'closed');
  return record.chainId === chainId.text ? record : undefined;
}

/** A quick look, for images that are about to run: the tree came into its place whole, by one rename. */
export function isTreeWhole(layout: StoreLayout, chainId: Digest): boolean {
  return statSync(join(treePath(layout, chainId), 'fs'), { throwIfNoEntry: false })?.isDirectory() === true;
}
