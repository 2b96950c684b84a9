// -o go-template: Go's text/template over the resources. Fields go by their names in documents or, as in templates
// written for Calico, by their names in Go: .metadata.name and .ObjectMeta.Name are the same.
import { readFile } from 'node:fs/promises';
import { OcicatError } from '../../base/errors.ts';
import { evaluateTemplate, type TemplateConfig } from './go-template-eval.ts';
import { parseGoTemplate } from './go-template-parse.ts';

/** Throws `invalid` when the file cannot be read. */
export async function readGoTemplate(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new OcicatError('invalid', `open ${path}`, { cause });
  }
}

/**
 * A template ranges over what was found, as with Calico: over named resources, or over one list with `.Items`. Throws
 * `invalid` for a template that is not understood.
 */
export function printGoTemplate(template: string, document: unknown, config: TemplateConfig): string {
  return evaluateTemplate(parseGoTemplate(template), Array.isArray(document) ? document : [document], config);
}
