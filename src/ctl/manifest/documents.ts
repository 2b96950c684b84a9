// YAML or JSON text to values, document by document, each with the place of every value in the text.
import { type Document, isMap, isScalar, isSeq, LineCounter, parseDocument } from 'yaml';
import { OcicatError } from '../../base/errors.ts';
import { readExactYaml } from '../../base/exact-yaml.ts';
import { tryParsePlainYaml } from './plain-yaml.ts';

interface Position {
  readonly line: number;
  readonly column: number;
}

export type Path = readonly (string | number)[];

/** One document of a text. */
export interface TextDocument {
  readonly value: unknown;
  /** Where the value at a path stands, or the nearest value that holds it; both from 1. */
  positionOf(at: Path): Position;
}

/** Calico's limit for one document (Calico v3.33, calicoctl/calicoctl/commands/common). */
const MAX_DOCUMENT_LENGTH = 10 * 1024 * 1024;

interface Chunk {
  readonly text: string;
  /** Lines before it. */
  readonly linesBefore: number;
}

function hasContent(text: string): boolean {
  return text.split('\n').some((line) => !/^\s*(%.*|(---|\.\.\.)?\s*(#.*)?)$/.test(line));
}

/** Cuts at lines that start a document; directives stay with the document that they are for. */
function splitDocuments(text: string): readonly Chunk[] {
  const chunks: Chunk[] = [];
  let from = 0;
  let linesBefore = 0;
  const close = (end: number) => {
    const chunk = text.slice(from, end);
    if (!hasContent(chunk) && !/^%/m.test(chunk)) {
      linesBefore += countLines(chunk);
      from = end;
    } else if (hasContent(chunk)) {
      chunks.push({ text: chunk, linesBefore });
      linesBefore += countLines(chunk);
      from = end;
    }
  };
  for (const match of text.matchAll(/^---(?=\s|$)/gm)) close(match.index);
  close(text.length);
  return chunks;
}

function countLines(text: string): number {
  let lines = 0;
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) lines++;
  return lines;
}

/** The value at a path, or the last one on the way to it: for a field that should not be there, its name. */
function findOffset(document: Document.Parsed, at: Path): number {
  let node: unknown = document.contents;
  let offset = document.contents?.range[0] ?? 0;
  for (const part of at) {
    if (isMap(node)) {
      const pair = node.items.find((item) => isScalar(item.key) && String(item.key.value) === String(part));
      if (pair === undefined) return offset;
      offset = isScalar(pair.key) ? (pair.key.range?.[0] ?? offset) : offset;
      node = pair.value;
    } else if (isSeq(node) && typeof part === 'number') {
      const item: unknown = node.items[part];
      if (item === undefined) return offset;
      node = item;
      if (isScalar(item) || isMap(item) || isSeq(item)) offset = item.range?.[0] ?? offset;
    } else {
      return offset;
    }
  }
  return offset;
}

/** Finds places in a chunk; it is parsed for that when the first is asked for, and not again. */
function createPositionFinder(chunk: Chunk): TextDocument['positionOf'] {
  const lineCounter = new LineCounter();
  let document: Document.Parsed | undefined;
  return (at) => {
    document ??= parseDocument(chunk.text, { lineCounter, merge: true });
    const { line, col } = lineCounter.linePos(findOffset(document, at));
    return { line: line + chunk.linesBefore, column: col };
  };
}

function parseChunk(source: string, chunk: Chunk): TextDocument {
  if (chunk.text.length > MAX_DOCUMENT_LENGTH) {
    throw new OcicatError(
      'invalid',
      `read "${source}": a document has ${chunk.text.length} characters, at most 10 MB wanted`,
    );
  }
  const positionOf = createPositionFinder(chunk);
  const plain = tryParsePlainYaml(chunk.text);
  if (plain !== undefined) return { value: plain, positionOf };
  const reading = readExactYaml(chunk.text);
  if (reading.kind === 'read') return { value: reading.value, positionOf };
  const { offset, message } = reading.fault;
  const before = chunk.text.slice(0, offset);
  const column = offset - before.lastIndexOf('\n');
  throw new OcicatError('invalid', `${source}:${chunk.linesBefore + countLines(before) + 1}:${column}: ${message}`);
}

/**
 * Every document with content. Throws `invalid`, with `source`, line and column, for text that is neither or says more than
 * a value holds.
 */
export function parseDocuments(source: string, text: string): readonly TextDocument[] {
  return splitDocuments(text).map((chunk) => parseChunk(source, chunk));
}
