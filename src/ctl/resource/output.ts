// The output formats of get.
import { OcicatError } from '../../base/errors.ts';
import { escapeLine } from '../../base/escape.ts';
import { printJson } from '../../base/json.ts';
import type { Kind, TableContext } from '../../model/meta/kind.ts';
import { API_VERSION, type Resource } from '../../model/meta/resource.ts';
import { printYaml } from '../manifest/yaml.ts';
import { chooseColumns, printTable } from '../output/get-table.ts';
import type { Selection } from './select.ts';

export type Output =
  | { readonly kind: 'table'; readonly wide: boolean }
  | { readonly kind: 'columns'; readonly headings: readonly string[] }
  | { readonly kind: 'yaml' }
  | { readonly kind: 'json' }
  | { readonly kind: 'name' }
  | { readonly kind: 'go-template'; readonly template: string }
  | { readonly kind: 'go-template-file'; readonly path: string }
  | { readonly kind: 'jsonpath'; readonly template: string };

const NEEDS_MORE: ReadonlyMap<string, string> = new Map([
  ['custom-columns', 'at least one column'],
  ['go-template', 'a template'],
  ['go-template-file', 'a file'],
  ['jsonpath', 'a template'],
]);

/** Reads the value of -o; throws `invalid`. */
export function parseOutput(text: string): Output {
  const equals = text.indexOf('=');
  const name = equals < 0 ? text : text.slice(0, equals);
  const rest = equals < 0 ? undefined : text.slice(equals + 1);
  const needs = NEEDS_MORE.get(name);
  if (needs !== undefined && !rest) throw new OcicatError('invalid', `-o ${name}: needs ${needs}, as in ${name}=…`);
  if (rest === undefined) {
    if (name === 'ps' || name === 'wide') return { kind: 'table', wide: name === 'wide' };
    if (name === 'yaml' || name === 'json' || name === 'name') return { kind: name };
  } else if (name === 'custom-columns') {
    return { kind: 'columns', headings: rest.split(',') };
  } else if (name === 'go-template') {
    return { kind: 'go-template', template: rest };
  } else if (name === 'go-template-file') {
    return { kind: 'go-template-file', path: rest };
  } else if (name === 'jsonpath') {
    return { kind: 'jsonpath', template: rest };
  }
  throw new OcicatError('invalid', `unrecognized output format '${text}'`);
}

/** What yaml, json and the templates print: a list of a kind, one resource, or an array of resources. */
export function documentOf(selection: Selection): unknown {
  if (selection.kind === 'one') return selection.resource;
  if (selection.kind === 'several') return selection.resources.map(([, resource]) => resource);
  return {
    kind: `${selection.of.name}List`,
    apiVersion: API_VERSION,
    metadata: { resourceVersion: String(selection.revision) },
    items: selection.resources,
  };
}

/** Resources by kind, in the order in which the kinds come. */
function groupByKind(selection: Selection): ReadonlyMap<Kind, readonly Resource[]> {
  if (selection.kind === 'list') return new Map([[selection.of, selection.resources]]);
  if (selection.kind === 'one') return new Map([[selection.of, [selection.resource]]]);
  const groups = new Map<Kind, Resource[]>();
  for (const [kind, resource] of selection.resources) {
    const group = groups.get(kind) ?? [];
    groups.set(kind, group);
    group.push(resource);
  }
  return groups;
}

export interface TableOptions {
  readonly output: Extract<Output, { readonly kind: 'table' | 'columns' }>;
  /** Whether namespaced kinds show their namespace first. */
  readonly withNamespace: boolean;
  readonly context: TableContext;
}

/** The headings of a kind's table. */
export function headingsFor(kind: Kind, output: TableOptions['output']): readonly string[] {
  if (output.kind === 'columns') return output.headings;
  return output.wide ? kind.wideTable : kind.table;
}

/** One table for each kind. */
export function printTables(selection: Selection, options: TableOptions): string {
  let text = '';
  for (const [kind, resources] of groupByKind(selection)) {
    const shape = chooseColumns(kind, headingsFor(kind, options.output), options.withNamespace);
    text += printTable(kind, shape, resources, options.context);
  }
  return text;
}

/** `profile/network1`. */
export function printName(kind: Kind, name: string): string {
  return `${escapeLine(`${kind.name.toLowerCase()}/${name}`)}\n`;
}

/** A line for each. */
export function printNames(selection: Selection): string {
  let text = '';
  for (const [kind, resources] of groupByKind(selection)) {
    for (const { metadata } of resources) text += printName(kind, metadata.name);
  }
  return text;
}

export function printDocument(format: 'yaml' | 'json', document: unknown): string {
  return format === 'yaml' ? printYaml(document) : `${printJson(document, 2)}\n`;
}
