// The reference page of a kind, in Markdown: made from the same description that validates documents.
import { describeShape, fieldsBelow } from '../schema/describe.ts';
import type { Field, Shape } from '../schema/schema.ts';
import { formatMark, idleMarkAt } from './idle/idle.ts';
import type { Kind } from './meta/kind.ts';

/** Keeps table cells whole. */
function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}

function code(text: string): string {
  return `\`${text}\``;
}

function row(name: string, field: Field, mark: string): string {
  const notes = field.presence === 'required' ? 'required' : (field.defaultText ?? '');
  const usual = field.presence === 'required' || notes === '' ? notes : code(notes);
  return `| ${code(name)} | ${cell(describeShape(field.schema))} | ${cell(usual)} | ${cell(`${field.doc}${mark}`)} |\n`;
}

/** A table of the fields of an object, then one for each object inside it, by path. */
function tables(path: string, shape: Shape, markOf: (path: string) => string = () => ''): string {
  const fields = Object.entries(fieldsBelow(shape));
  if (fields.length === 0) return '';
  const rows = fields.map(([name, field]) => row(name, field, markOf(`${path}.${name}`))).join('');
  const own = `\n## ${path}\n\n| field | type | default | meaning |\n|---|---|---|---|\n${rows}`;
  return own + fields.map(([name, field]) => tables(`${path}.${name}`, field.schema, markOf)).join('');
}

/** Metadata is the same for all kinds and has its own page. */
export function printReferencePage(kind: Kind): string {
  const { spec, status } = kind.schema.fields;
  const names = [kind.plural, ...kind.aliases].map(code).join(', ');
  const scope = kind.namespaced ? 'It belongs to a namespace.' : 'It belongs to no namespace.';
  const rights = kind.readOnly ? ' Programs write it; calicoctl only shows it.' : '';
  const markOf = (path: string) =>
    formatMark(idleMarkAt(kind.name, path)).replace(/^ (No effect.*? here):/, ' **$1**:');
  const head = `# ${kind.name}\n\n${kind.doc} ${scope}${rights}${markOf('')}\n\nOn the command line: ${names}.\n`;
  const body = spec === undefined ? '' : tables('spec', spec.schema, markOf);
  return head + body + (status === undefined ? '' : tables('status', status.schema));
}

/** The page that lists all kinds and what they have in common. */
export function printReferenceIndex(kinds: readonly Kind[]): string {
  const sorted = [...kinds].sort((a, b) => (a.name < b.name ? -1 : 1));
  const rows = sorted.map((kind) => `| [${kind.name}](${kind.plural}.md) | ${cell(kind.doc)} |\n`).join('');
  const metadata = kinds[0]?.schema.fields.metadata;
  const common = metadata === undefined ? '' : tables('metadata', metadata.schema);
  return `# Resources\n\nEvery resource has \`kind\`, \`apiVersion: projectcalico.org/v3\`, \`metadata\` and \`spec\`.\n\n| kind | what it is for |\n|---|---|\n${rows}${common}`;
}
