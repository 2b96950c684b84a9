// The plain scalars of the schema language: texts, numbers, booleans, choices.
import type { Scalar } from './schema.ts';

export interface TextRule {
  /** What it is, in a few words: `a text of at most 253 characters`. */
  readonly wanted?: string;
  readonly pattern?: RegExp;
  readonly maxLength?: number;
  /** Whether no message may show it. */
  readonly secret?: boolean;
}

/** A string that its pattern, if any, matches; length in characters. */
export function text(rule: TextRule = {}): Scalar<string> {
  const { wanted = 'a text', pattern, maxLength = Number.POSITIVE_INFINITY, secret = false } = rule;
  return {
    shape: 'scalar',
    wanted,
    secret,
    json: {
      type: 'string',
      ...(pattern === undefined ? {} : { pattern: pattern.source }),
      ...(maxLength === Number.POSITIVE_INFINITY ? {} : { maxLength }),
    },
    read: (value) =>
      typeof value === 'string' && value.length <= maxLength && (pattern?.test(value) ?? true) ? value : undefined,
  };
}

/** A string that a parser turns into what it stands for; undefined refuses it. */
export function parsedText<T = string>(
  wanted: string,
  parse: (value: string) => T | undefined,
  explain?: (value: string) => string,
): Scalar<T> {
  return {
    shape: 'scalar',
    wanted,
    json: { type: 'string' },
    read: (value) => (typeof value === 'string' ? parse(value) : undefined),
    ...(explain === undefined
      ? {}
      : { explain: (value: unknown) => (typeof value === 'string' ? explain(value) : wanted) }),
  };
}

/** A string that holds; for what no pattern says. */
export function textThat(wanted: string, holds: (value: string) => boolean): Scalar<string> {
  return parsedText(wanted, (value) => (holds(value) ? value : undefined));
}

/** Any value, for those who read it themselves or hand it on. */
export const anything: Scalar<unknown> = { shape: 'scalar', wanted: 'a value', json: {}, read: (value) => value };

export const boolean: Scalar<boolean> = {
  shape: 'scalar',
  wanted: 'true or false',
  json: { type: 'boolean' },
  read: (value) => (typeof value === 'boolean' ? value : undefined),
};

/** A whole number, both ends included; the largest safe ones are no bounds to speak of. `unit` stands in messages. */
export function integer(minimum: number, maximum: number, unit = ''): Scalar<number> {
  const from = minimum > Number.MIN_SAFE_INTEGER ? ` from ${minimum}` : '';
  const to = maximum < Number.MAX_SAFE_INTEGER ? ` to ${maximum}` : '';
  return {
    shape: 'scalar',
    wanted: `a whole number${unit === '' ? '' : ` of ${unit}`}${from}${to}`,
    json: { type: 'integer', ...(from === '' ? {} : { minimum }), ...(to === '' ? {} : { maximum }) },
    read: (value) =>
      typeof value === 'number' && Number.isSafeInteger(value) && value >= minimum && value <= maximum
        ? value
        : undefined,
  };
}

export const number: Scalar<number> = {
  shape: 'scalar',
  wanted: 'a number',
  json: { type: 'number' },
  read: (value) => (typeof value === 'number' && Number.isFinite(value) ? value : undefined),
};

/** One of a few words, exactly as written. */
export function choice<const C extends readonly string[]>(...choices: C): Scalar<C[number]> {
  return {
    shape: 'scalar',
    wanted: `one of ${choices.filter((known) => known !== '').join(', ')}`,
    json: { type: 'string', enum: choices },
    read: (value) => choices.find((known) => known === value),
  };
}

/** One of a few words in any case; stored as written here. */
export function looseChoice<const C extends readonly string[]>(...choices: C): Scalar<C[number]> {
  return {
    ...choice(...choices),
    read: (value) =>
      typeof value === 'string' ? choices.find((known) => known.toLowerCase() === value.toLowerCase()) : undefined,
  };
}

/** One number of a few. */
export function numberChoice<const C extends readonly number[]>(...choices: C): Scalar<C[number]> {
  return {
    shape: 'scalar',
    wanted: `one of ${choices.join(', ')}`,
    json: { type: 'integer', enum: choices },
    read: (value) => choices.find((known) => known === value),
  };
}
