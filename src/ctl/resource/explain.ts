// explain: what a kind is for, and what its fields mean.
import { OcicatError } from '../../base/errors.ts';
import { enclosingIdleMark, formatMark, idleMarkAt } from '../../model/idle/idle.ts';
import type { Kind } from '../../model/meta/kind.ts';
import { describeShape, fieldsBelow, findField } from '../../schema/describe.ts';
import type { Field, Shape } from '../../schema/schema.ts';
import type { Handler } from '../cli/command.ts';
import { parseKindArgument } from '../store/context.ts';

function formatField(name: string, field: Field, mark: string): string {
  const notes = [describeShape(field.schema)];
  if (field.presence === 'required') notes.push('required');
  if (field.defaultText !== undefined) notes.push(`default ${field.defaultText}`);
  return `  ${name}  <${notes.join('; ')}>\n      ${field.doc}${mark}\n`;
}

function formatFields(kind: Kind, path: string, shape: Shape): string {
  const markOf = (name: string) => formatMark(idleMarkAt(kind.name, path === '' ? name : `${path}.${name}`));
  const fields = Object.entries(fieldsBelow(shape));
  if (fields.length === 0) return '';
  return `\nFIELDS\n${fields.map(([name, field]) => formatField(name, field, markOf(name))).join('')}`;
}

function explainKind(kind: Kind): string {
  const names = [kind.plural, ...kind.aliases].join(', ');
  const scope = kind.namespaced ? 'namespaced' : 'cluster';
  return `KIND      ${kind.name}\nSCOPE     ${scope}\nALIASES   ${names}\n\n${kind.doc}${formatMark(idleMarkAt(kind.name, ''))}\n${formatFields(kind, '', kind.schema)}`;
}

/** `KIND` or `KIND.spec.field`. */
export const runExplain: Handler = async ({ operands, stdio }) => {
  const [text = ''] = operands;
  const [word = '', ...names] = text.split('.');
  const kind = parseKindArgument(word);
  if (names.length === 0) {
    stdio.write(explainKind(kind));
    return 0;
  }
  const field = findField(kind.schema, names);
  if (field === undefined) throw new OcicatError('not-found', `${kind.name} has no field "${names.join('.')}"`);
  const [name = '', path] = [names.at(-1), names.join('.')];
  const mark = formatMark(enclosingIdleMark(kind.name, path));
  stdio.write(
    `KIND      ${kind.name}\n\n${formatField(name, field, mark).slice(2)}${formatFields(kind, path, field.schema)}`,
  );
  return 0;
};
