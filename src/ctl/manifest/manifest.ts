// From the documents of files to resources: every document is read, or none, and every issue has its place.
import { type Issue, OcicatError } from '../../base/errors.ts';
import { escapeLine } from '../../base/escape.ts';
import { findKind } from '../../model/kinds.ts';
import { type Kind, readResource } from '../../model/meta/kind.ts';
import { API_VERSION, type Resource } from '../../model/meta/resource.ts';
import { formatPath, membersOf } from '../../schema/document.ts';
import { text } from '../../schema/scalars.ts';
import { object, required, sparse } from '../../schema/schema.ts';
import { type ReadResult, readSchema, UNKNOWN_FIELD } from '../../schema/schema-read.ts';
import type { Path, TextDocument } from './documents.ts';
import type { TextFile } from './files.ts';

/** A resource with its kind. */
export interface Item {
  readonly kind: Kind;
  readonly resource: Resource;
}

/** What of a document is read: all of it, or only what it is called, for whoever looks it up in the store. */
export type ManifestPart = 'whole' | 'names';

interface Reading {
  readonly wanted: ManifestPart;
  readonly items: Item[];
  readonly issues: SourceIssue[];
}

/** An issue with the file that it is in. */
interface SourceIssue extends Issue {
  readonly source: string;
}

/** A document, or a part of one (the items of a list), that should be a resource. */
interface Part {
  readonly source: string;
  readonly document: TextDocument;
  readonly at: Path;
  readonly value: unknown;
}

function report(reading: Reading, part: Part, at: Path, wrong: string, wanted: string): void {
  const whole = [...part.at, ...at];
  const { line, column } = part.document.positionOf(whole);
  reading.issues.push({ source: part.source, path: formatPath(whole), found: wrong, wanted, line, column });
}

/** The items of an array, which get prints for several names, or of a list kind. */
function readEach(part: Part, at: Path, items: readonly unknown[], reading: Reading): void {
  for (const [index, value] of items.entries()) readPart({ ...part, at: [...part.at, ...at, index], value }, reading);
}

function readPart(part: Part, reading: Reading): void {
  if (Array.isArray(part.value) && part.at.length === 0) {
    readEach(part, [], part.value, reading);
    return;
  }
  const members = membersOf(part.value);
  const { kind: name, apiVersion, items } = members ?? {};
  if (typeof name !== 'string') {
    report(reading, part, [], 'a document without kind', 'a resource');
    return;
  }
  if (name.endsWith('List') && Array.isArray(items)) {
    readEach(part, ['items'], items, reading);
    return;
  }
  const kind = findKind(name);
  if (kind === undefined || apiVersion !== API_VERSION) {
    report(
      reading,
      part,
      ['kind'],
      `resource type '${name}' and version '${String(apiVersion ?? '')}'`,
      `a kind of ${API_VERSION}`,
    );
    return;
  }
  const result = reading.wanted === 'names' ? readName(kind, part.value) : readResource(kind, part.value, 'document');
  if (result.kind === 'invalid') {
    for (const issue of result.issues) report(reading, part, issue.at, issue.found, issue.wanted);
    return;
  }
  reading.items.push({ kind, resource: result.value });
}

const someText = text({ wanted: 'a name', pattern: /./ });
const named = object({
  metadata: required(
    object({
      name: required(someText, 'Its name.'),
      namespace: sparse(someText, 'Its namespace.'),
      resourceVersion: sparse(someText, 'The revision that it must have.'),
    }),
    'What it is called.',
  ),
});

/** The name of a resource that may break the rules of its kind: somebody has stored it, and it is to be found. */
function readName(kind: Kind, value: unknown): ReadResult<Resource> {
  const { name, namespace, resourceVersion } = membersOf(membersOf(value)?.metadata) ?? {};
  const read = readSchema(named, { metadata: { name, namespace, resourceVersion } }, 'document');
  if (read.kind === 'invalid') return read;
  const { metadata } = read.value;
  return { kind: 'valid', value: { kind: kind.name, apiVersion: API_VERSION, metadata, spec: {} } };
}

/** `file:5:13: spec.ingress[0].action: found "allow", wanted one of …`. */
function formatSourceIssue(issue: SourceIssue): string {
  return escapeLine(describeSourceIssue(issue));
}

function describeSourceIssue(issue: SourceIssue): string {
  const place = `${issue.source}:${issue.line ?? 1}:${issue.column ?? 1}`;
  if (issue.found !== UNKNOWN_FIELD) {
    return `${place}: ${issue.path === '' ? 'document' : issue.path}: found ${issue.found}, wanted ${issue.wanted}`;
  }
  const field = /(?:^|[.\]])([^.[\]]+)$/.exec(issue.path)?.[1] ?? issue.path;
  return `${place}: field in document is not recognized or is in the wrong location: ${field} (${issue.path}; ${issue.wanted})`;
}

/** File by file, each from top to bottom. */
function sortIssues(files: readonly TextFile[], issues: readonly SourceIssue[]): readonly SourceIssue[] {
  const rank = new Map(files.map((file, index) => [file.source, index]));
  return [...issues].sort(
    (a, b) =>
      (rank.get(a.source) ?? 0) - (rank.get(b.source) ?? 0) ||
      (a.line ?? 0) - (b.line ?? 0) ||
      (a.column ?? 0) - (b.column ?? 0),
  );
}

/** Throws `invalid` with every issue of every file. */
export async function readResources(files: readonly TextFile[], wanted: ManifestPart): Promise<readonly Item[]> {
  const { parseDocuments } = await import('./documents.ts');
  const reading: Reading = { wanted, items: [], issues: [] };
  for (const { source, text: content } of files) {
    for (const document of parseDocuments(source, content))
      readPart({ source, document, at: [], value: document.value }, reading);
  }
  if (reading.issues.length === 0) return reading.items;
  const lines = sortIssues(files, reading.issues).map(formatSourceIssue);
  throw new OcicatError('invalid', lines.join('\n'), { issues: reading.issues });
}
