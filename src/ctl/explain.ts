// explain: what a kind is for, and what its fields mean.
import { OcicatError } from '../base/errors.ts';
import { describeShape, fieldsBelow, findField } from '../model/describe.ts';
import type { Kind } from '../model/kind.ts';
import type { Field, Shape } from '../model/schema.ts';
import type { Handler } from './command.ts';
import { parseKindWord } from './context.ts';

function formatField(name: string, field: Field): string {
  const notes = [describeShape(field.schema)];
  if (field.presence === 'required') notes.push('required');
  if (field.defaultText !== undefined) notes.push(`default ${field.defaultText}`);
  return `  ${name}  <${notes.join('; ')}>\n      ${field.doc}\n`;
}

function formatFields(shape: Shape): string {
  const fields = Object.entries(fieldsBelow(shape));
  if (fields.length === 0) return '';
  return `\nFIELDS\n${fields.map(([name, field]) => formatField(name, field)).join('')}`;
}

function explainKind(kind: Kind): string {
  const words = [kind.plural, ...kind.aliases].join(', ');
  const scope = kind.namespaced ? 'namespaced' : 'cluster';
  return `KIND      ${kind.name}\nSCOPE     ${scope}\nALIASES   ${words}\n\n${kind.doc}\n${formatFields(kind.schema)}`;
}

/** `KIND` or `KIND.spec.field`. */
export const runExplain: Handler = async ({ operands, stdio }) => {
  const [text = ''] = operands;
  const [word = '', ...names] = text.split('.');
  const kind = parseKindWord(word);
  if (names.length === 0) {
    stdio.write(explainKind(kind));
    return 0;
  }
  const field = findField(kind.schema, names);
  if (field === undefined) throw new OcicatError('not-found', `${kind.name} has no field "${names.join('.')}"`);
  const name = names.at(-1) ?? '';
  stdio.write(`KIND      ${kind.name}\n\n${formatField(name, field).slice(2)}${formatFields(field.schema)}`);
  return 0;
};
