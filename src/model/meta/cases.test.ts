// Documents of every kind, each the kind's example with one value changed, and all that is wrong with them: cases/*.txt.
// `= Kind` and a line of JSON begin an example; `path=value` is a case; below it stand its issues, or `ok`.
// OCICAT_WRITE=1 writes the issues of today.
import { expect, test } from 'bun:test';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { issuesOf } from '../../../test/support/model/documents.ts';
import { findKind, kinds } from '../kinds.ts';
import type { Kind } from './kind.ts';

const FOLDER = join(import.meta.dir, 'cases');

type Path = readonly (string | number)[];

/** `spec.ingress[0].action` in its parts. */
function splitPath(path: string): Path {
  return [...path.matchAll(/\[(\d+)\]|([^.[\]]+)/g)].map(([, index, name]) => (index ? Number(index) : (name ?? '')));
}

/** With the value at the path; objects and lists on the way are made. */
function withValue(document: unknown, [first, ...rest]: Path, value: unknown): unknown {
  if (first === undefined) return value;
  if (typeof first === 'number') {
    const items: unknown[] = Array.isArray(document) ? [...document] : [];
    items[first] = withValue(items[first], rest, value);
    return items;
  }
  const members: Readonly<Record<string, unknown>> = Object.assign({}, document);
  return { ...members, [first]: withValue(members[first], rest, value) };
}

interface Case {
  readonly kind: Kind;
  /** The line and the example that it changes. */
  readonly id: string;
  readonly issues: readonly string[];
}

function runCase(kind: Kind, example: unknown, line: string): Case {
  const equals = line.indexOf('=');
  const changed = withValue(example, splitPath(line.slice(0, equals)), JSON.parse(line.slice(equals + 1)));
  return { kind, id: `${line} ${JSON.stringify(example)}`, issues: issuesOf(kind, changed) };
}

/** The cases of a file with today's issues, and the text that says so. */
function readCases(text: string): { readonly cases: readonly Case[]; readonly text: string } {
  const cases: Case[] = [];
  const lines: string[] = [];
  let kind: Kind | undefined;
  let example: unknown;
  for (const line of text.split('\n').filter((one) => one !== '' && !one.startsWith('  '))) {
    if (line.startsWith('= ')) {
      kind = findKind(line.slice(2));
      lines.push(...(lines.length > 0 ? [''] : []), line);
    } else if (line.startsWith('{')) {
      example = JSON.parse(line);
      lines.push(line);
    } else if (kind !== undefined) {
      const found = runCase(kind, example, line);
      cases.push(found);
      lines.push(line, ...(found.issues.length > 0 ? found.issues : ['ok']).map((issue) => `  ${issue}`));
    }
  }
  return { cases, text: `${lines.join('\n')}\n` };
}

const files = readdirSync(FOLDER).sort();
const all = files.flatMap((file) => readCases(readFileSync(join(FOLDER, file), 'utf8')).cases);

test.each(files)('cases/%s', (file) => {
  const path = join(FOLDER, file);
  const { text } = readCases(readFileSync(path, 'utf8'));
  if (process.env.OCICAT_WRITE === '1') writeFileSync(path, text);
  expect(text).toBe(readFileSync(path, 'utf8'));
});

test.each(kinds.map((kind): [string, Kind] => [kind.name, kind]))(
  '%s has cases that are right and wrong',
  (_, kind) => {
    const own = all.filter((one) => one.kind === kind);
    expect(own.filter(({ issues }) => issues.length === 0).length).toBeGreaterThanOrEqual(5);
    expect(own.filter(({ issues }) => issues.length > 0).length).toBeGreaterThanOrEqual(5);
  },
);

test('there are no fewer than 600 cases, each once', () => {
  const ids = all.map(({ id }) => id);
  expect(ids.length).toBeGreaterThanOrEqual(600);
  expect(ids.length).toBe(new Set(ids).size);
});
