// What the tests of kinds share: a document to the lines that say what is wrong with it.
import { formatIssue } from '../../../src/base/errors.ts';
import { type Kind, readResource } from '../../../src/model/meta/kind.ts';
import { API_VERSION, type Resource } from '../../../src/model/meta/resource.ts';

/** A document of a kind, with the least metadata that it takes. */
export function documentOf(kind: Kind, spec: unknown, metadata: object = {}): unknown {
  return { apiVersion: API_VERSION, kind: kind.name, metadata: { name: 'name', ...metadata }, spec };
}

/** `path: found X, wanted Y` of every issue; none for a valid document. */
export function issuesOf(kind: Kind, document: unknown): readonly string[] {
  const result = readResource(kind, document, 'document');
  return result.kind === 'valid' ? [] : result.issues.map(formatIssue);
}

/** What would be stored, as JSON text. Throws for an invalid document. */
export function storedText(kind: Kind, document: unknown): string {
  const result = readResource(kind, document, 'document');
  if (result.kind === 'invalid') throw new Error(result.issues.map(formatIssue).join('\n'));
  const stored: Resource = kind.toStored(result.value);
  return JSON.stringify(stored);
}
