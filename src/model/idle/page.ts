// The section of docs/differences.md on what has no effect, from the marks.
import type { IdleMark } from './idle-mark.ts';
import { IDLE_MARKS } from './marks.ts';

export const IDLE_HEADING = '\n## What has no effect yet\n';

function code(text: string): string {
  return `\`${text}\``;
}

function row(kind: string, marks: readonly IdleMark[]): string {
  const [{ why, path } = { why: '', path: '' }] = marks;
  const fields = marks.map((mark) => code(mark.path));
  return `| ${kind} | ${path === '' ? 'the whole kind' : fields.join(', ')} | ${why} |\n`;
}

function rowsOf(kind: string, marks: readonly IdleMark[]): string {
  return [...Map.groupBy(marks, ({ why }) => why).values()].map((alike) => row(kind, alike)).join('');
}

/** The section, with its heading. */
export function printIdleSection(): string {
  const kinds = Object.entries(IDLE_MARKS).sort(([a], [b]) => (a < b ? -1 : 1));
  return `${IDLE_HEADING}
It is stored and shown as with Calico, and does nothing here. \`apply\`, \`create\`, \`replace\`, \`patch\`, \`edit\` and \`validate\`
warn of it on stderr, \`explain\` and the [reference](reference/resources.md) say it at the field, and the agent's log names it
when it is in the store. A value that is the default, or says what is so anyway,
is not worth a word.

| kind | what | why |
|---|---|---|
${kinds.map(([kind, marks]) => rowsOf(kind, marks)).join('')}`;
}
