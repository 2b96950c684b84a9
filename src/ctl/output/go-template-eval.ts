// Runs a Go template that has been read: actions, conditions, ranges, variables and functions.
import { OcicatError } from '../../base/errors.ts';
import { joinItems } from '../../model/meta/cells.ts';
import { membersOf } from '../../schema/document.ts';
import type { Node, Operand, Pipeline } from './go-template-parse.ts';

/** What a template can ask of the cluster by `config`, by names in lower case. */
export type TemplateConfig = Readonly<Record<string, unknown>>;

/** Characters of a text that a template makes, anywhere on the way. */
const MAX_TEXT = 64 * 1024 * 1024;
/** Nodes that are run, loops counted as often as they go round. */
const MAX_STEPS = 10_000_000;
const MAX_VARIABLES = 100;
/** Columns that printf fills, and digits behind the point that JavaScript knows. */
const MAX_WIDTH = 10_000;
const MAX_PRECISION = 100;

interface Scope {
  readonly dot: unknown;
  /** Steps of the whole run so far. */
  readonly count: { steps: number };
  readonly config: TemplateConfig;
  readonly variables: ReadonlyMap<string, { value: unknown }>;
}

function wrong(reason: string): OcicatError {
  return new OcicatError('invalid', `run go-template: ${reason}`);
}

/** Names of Go's structs that documents call otherwise; the fields of the second are those of the document itself. */
const GO_NAMES: Readonly<Record<string, string>> = { objectmeta: 'metadata', listmeta: 'metadata' };
const EMBEDDED = 'typemeta';

/** A member by its name in documents, else by its name in Go, which differs in case. */
function member(value: unknown, name: string): unknown {
  if (value === undefined || value === null) return undefined;
  const members = membersOf(value);
  if (members === undefined) throw wrong(`.${name}: ${Array.isArray(value) ? 'a list' : show(value)} has no fields`);
  if (Object.hasOwn(members, name)) return members[name];
  const lower = name.toLowerCase();
  if (lower === EMBEDDED) return value;
  const known = GO_NAMES[lower] ?? lower.replace(/^get(?=.)/, '');
  const key = Object.keys(members).find((one) => one.toLowerCase() === known);
  if (key !== undefined) return members[key];
  // Go reaches fields of ObjectMeta without naming it
  return known !== 'metadata' && members.kind !== undefined ? member(members.metadata, name) : undefined;
}

/** Go's truth: not false, 0, empty or nothing. */
function isTrue(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0;
  const members = membersOf(value);
  return members === undefined ? Boolean(value) : Object.keys(members).length > 0;
}

/** Values as Go prints them: lists in brackets, maps as `map[a:b]`, nothing as `<no value>`. */
function show(value: unknown): string {
  if (value === undefined || value === null) return '<no value>';
  if (Array.isArray(value)) return `[${value.map(show).join(' ')}]`;
  const members = membersOf(value);
  if (members === undefined) return String(value);
  const pairs = Object.keys(members)
    .sort()
    .map((key) => `${key}:${show(members[key])}`);
  return `map[${pairs.join(' ')}]`;
}

function size(value: unknown): number {
  if (typeof value === 'string' || Array.isArray(value)) return value.length;
  return Object.keys(membersOf(value) ?? {}).length;
}

function compare(a: unknown, b: unknown): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  const [left, right] = [show(a), show(b)];
  return left < right ? -1 : left > right ? 1 : 0;
}

/** Throws before a text becomes more than a memory holds. */
function checkLength(length: number): void {
  if (length > MAX_TEXT) throw wrong(`its text has more than ${MAX_TEXT} characters`);
}

/** Values as Go prints them, one after the other. */
function showAll(values: readonly unknown[], separator: string): string {
  let text = '';
  for (const [index, value] of values.entries()) {
    text += index === 0 ? show(value) : separator + show(value);
    checkLength(text.length);
  }
  return text;
}

function checkFormat(width: number, precision: number): void {
  if (width > MAX_WIDTH) throw wrong(`printf: a width of ${width}, wanted at most ${MAX_WIDTH}`);
  if (precision > MAX_PRECISION) throw wrong(`printf: ${precision} digits, wanted at most ${MAX_PRECISION}`);
}

function format(template: unknown, values: readonly unknown[]): string {
  const rest = [...values];
  let length = 0;
  return show(template).replace(
    /%([-0]?\d*)(?:\.(\d+))?([svdqtf%])/g,
    (_all, width: string, digits: string, verb: string) => {
      if (verb === '%') return '%';
      const columns = Math.abs(Number(width));
      checkFormat(columns, Number(digits ?? 0));
      const value = rest.shift();
      const text =
        verb === 'q'
          ? JSON.stringify(show(value))
          : verb === 'f'
            ? Number(value).toFixed(Number(digits ?? 6))
            : show(value);
      length += Math.max(columns, text.length);
      checkLength(length);
      if (width.startsWith('-')) return text.padEnd(columns);
      return text.padStart(columns, width.startsWith('0') ? '0' : ' ');
    },
  );
}

function items(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : value === undefined ? [] : [value];
}

const functions: Readonly<Record<string, (...values: readonly unknown[]) => unknown>> = {
  and: (...values) => values.find((value) => !isTrue(value)) ?? values.at(-1),
  or: (...values) => values.find(isTrue) ?? values.at(-1),
  not: (value) => !isTrue(value),
  eq: (first, ...others) => others.some((other) => compare(first, other) === 0),
  ne: (a, b) => compare(a, b) !== 0,
  lt: (a, b) => compare(a, b) < 0,
  le: (a, b) => compare(a, b) <= 0,
  gt: (a, b) => compare(a, b) > 0,
  ge: (a, b) => compare(a, b) >= 0,
  len: size,
  index: (value, ...keys) =>
    keys.reduce((at, key) => (Array.isArray(at) ? at[Number(key)] : membersOf(at)?.[show(key)]), value),
  print: (...values) => showAll(values, ''),
  println: (...values) => `${showAll(values, ' ')}\n`,
  printf: (template, ...values) => format(template, values),
  join: (value, separator) => showAll(items(value), separator === undefined ? ',' : show(separator)),
  joinAndTruncate: (value, separator, length) => {
    const text = showAll(items(value), show(separator));
    return joinItems([text], Number(length ?? 0));
  },
};

function evaluateOperand(operand: Operand, scope: Scope): unknown {
  switch (operand.kind) {
    case 'literal':
      return operand.value;
    case 'field': {
      const root = operand.root === undefined ? scope.dot : readVariable(scope, operand.root);
      return operand.names.reduce(member, root);
    }
    case 'nested':
      return operand.names.reduce(member, evaluatePipeline(operand.pipeline, scope));
    case 'function':
      return callFunction(operand.name, [], scope);
  }
}

function readVariable(scope: Scope, name: string): unknown {
  const variable = scope.variables.get(name);
  if (variable === undefined) throw wrong(`undefined variable ${name}`);
  return variable.value;
}

function callFunction(name: string, values: readonly unknown[], { config }: Scope): unknown {
  if (name === 'config') return readConfig(config, show(values[0]));
  const known = Object.hasOwn(functions, name) ? functions[name] : undefined;
  if (known === undefined) throw wrong(`function "${name}" is not defined`);
  return known(...values);
}

function readConfig(config: TemplateConfig, name: string): unknown {
  const key = name.toLowerCase();
  if (Object.hasOwn(config, key)) return config[key];
  throw wrong(`config "${name}": wanted one of ${Object.keys(config).join(', ')}`);
}

/** The value of the last command; each command gets the value before it as its last argument. */
function evaluatePipeline(pipeline: Pipeline, scope: Scope): unknown {
  let value: unknown;
  for (const [index, command] of pipeline.commands.entries()) {
    const [first, ...rest] = command;
    if (first === undefined) throw wrong('a command is missing');
    const values = rest.map((operand) => evaluateOperand(operand, scope));
    if (index > 0) values.push(value);
    if (first.kind === 'function') value = callFunction(first.name, values, scope);
    else if (values.length > 0) throw wrong('a value is given arguments');
    else value = evaluateOperand(first, scope);
  }
  return value;
}

function withVariables(scope: Scope, names: readonly string[], values: readonly unknown[], dot: unknown): Scope {
  const variables = new Map(scope.variables);
  if (variables.size > MAX_VARIABLES) throw wrong(`it has more than ${MAX_VARIABLES} variables`);
  for (const [index, name] of names.entries()) variables.set(name, { value: values[index] });
  return { ...scope, dot, variables };
}

function entriesOf(value: unknown): readonly (readonly [unknown, unknown])[] {
  if (Array.isArray(value)) return [...value.entries()];
  return Object.entries(membersOf(value) ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
}

function evaluateRange(
  node: Extract<Node, { readonly kind: 'if' | 'range' | 'with' }>,
  value: unknown,
  scope: Scope,
): string {
  const entries = entriesOf(value);
  if (entries.length === 0) return evaluateNodes(node.otherwise, scope);
  const { variables } = node.pipeline;
  let text = '';
  for (const [key, item] of entries) {
    const values = variables.length > 1 ? [key, item] : [item];
    text += evaluateNodes(node.body, withVariables(scope, variables, values, item));
    countStep(scope, text);
  }
  return text;
}

function countStep({ count }: Scope, text: string): void {
  count.steps += 1;
  if (count.steps > MAX_STEPS) throw wrong(`it goes on for more than ${MAX_STEPS} steps`);
  checkLength(text.length);
}

function evaluateNodes(nodes: readonly Node[], outer: Scope): string {
  let scope = outer;
  let text = '';
  for (const node of nodes) {
    countStep(scope, text);
    if (node.kind === 'text') {
      text += node.text;
      continue;
    }
    const value = evaluatePipeline(node.pipeline, scope);
    const { variables } = node.pipeline;
    if (node.kind === 'action') {
      if (variables.length === 0) text += show(value);
      else scope = withVariables(scope, variables, [value], scope.dot);
    } else if (node.kind === 'range') {
      text += evaluateRange(node, value, scope);
    } else {
      const dot = node.kind === 'with' ? value : scope.dot;
      const branch = isTrue(value) ? node.body : node.otherwise;
      text += evaluateNodes(branch, isTrue(value) ? withVariables(scope, variables, [value], dot) : scope);
    }
  }
  return text;
}

/** Throws `invalid` for functions and variables that are not there. */
export function evaluateTemplate(nodes: readonly Node[], data: unknown, config: TemplateConfig): string {
  return evaluateNodes(nodes, { dot: data, count: { steps: 0 }, config, variables: new Map([['$', { value: data }]]) });
}
