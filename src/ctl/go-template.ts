// -o go-template: Go's text/template over the resources. Fields go by their names in documents or, as in templates
// written for Calico, by their names in Go: .metadata.name and .ObjectMeta.Name are the same.
import { readFile } from 'node:fs/promises';
import { OcicatError } from '../base/errors.ts';
import { membersOf } from '../model/schema-read.ts';
import { evaluateTemplate } from './go-template-eval.ts';
import { parseGoTemplate } from './go-template-parse.ts';

/** Throws `invalid` when the file cannot be read. */
export async function readGoTemplate(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new OcicatError('invalid', `open ${path}: cannot be read`, { cause });
  }
}

/** A template ranges over resources: a single one is a list of one, a listing is its items. */
function toItems(document: unknown): unknown {
  const items = membersOf(document)?.items;
  if (Array.isArray(items)) return items;
  return Array.isArray(document) ? document : [document];
}

/** Throws `invalid` for a template that is not understood. */
export function printGoTemplate(template: string, document: unknown): string {
  return evaluateTemplate(parseGoTemplate(template), toItems(document));
}
