// The language in which everything from outside is described: shapes as plain data, from which the TypeScript types and the
// reading come, and for resources JSON Schema and the reference pages.

declare const type: unique symbol;

/** A JSON value that fits in a default or in a JSON Schema. */
export type Plain = null | boolean | number | string | readonly Plain[] | { readonly [key: string]: Plain };
export type PlainObject = { readonly [key: string]: Plain };

/** One value with its own reader: a string, a number, a boolean, or a text such as a range or a selector. */
export interface ScalarShape {
  readonly shape: 'scalar';
  /** What it is, in a few words, for messages and pages: `an IPv4 or IPv6 address`. */
  readonly wanted: string;
  /** What JSON Schema can say about it. */
  readonly json: PlainObject;
  /** The value in its stored form, or undefined when it is not one. */
  readonly read: (value: unknown) => unknown;
  /** As `read`, for what stands in the store: there may be more than may be written. Default: `read`. */
  readonly readStored?: (value: unknown) => unknown;
  /** What was wanted of a value that `read` refused, when there is more to say than `wanted`. */
  readonly explain?: (value: unknown) => string;
  /** Whether no message may show the value. */
  readonly secret?: boolean;
}

export interface ListShape {
  readonly shape: 'list';
  readonly item: Shape;
  readonly minItems: number;
  readonly maxItems: number;
  /** Whether no item may be there twice. */
  readonly unique: boolean;
  /** What was wanted where nothing is, or too little; undefined for `a list` and `at least N`. */
  readonly wanted: string | undefined;
}

export interface MapShape {
  readonly shape: 'map';
  readonly key: ScalarShape;
  readonly value: Shape;
}

/**
 * Says that a rule between fields is broken; `path` is relative to the object, `''` is the object itself. `found`: what
 * is there, when the document's own value does not say it.
 */
export type Report = (path: string, wanted: string, found?: string) => void;

/** A field at the path, by names; a list on the way stands for all its items. */
export type FieldPath = readonly string[];

/** Whether the document says something at a path, right or wrong. */
type IsPresent = (path: string) => boolean;

/** A rule between fields as the reader sees it; made by `between`. */
export interface ShapeRule {
  /** The fields that it reads: it is called only when there is no issue in any of them. */
  readonly reads: readonly FieldPath[];
  /** Whether it is asked of documents alone, and not of what stands in the store. */
  readonly onlyWritten?: boolean;
  check(value: unknown, report: Report, isPresent: IsPresent): void;
}

export interface ObjectShape {
  readonly shape: 'object';
  readonly fields: Readonly<Record<string, Field>>;
  readonly rules: readonly ShapeRule[];
}

export type Shape = ScalarShape | ListShape | MapShape | ObjectShape;

/** A shape whose valid values are of type T. */
export type Schema<T> = Shape & { readonly [type]?: () => T };
export type Scalar<T> = ScalarShape & { readonly [type]?: () => T };

/** The type of the values that a schema describes. */
export type Infer<S> = S extends { readonly [type]?: () => infer T } ? T : never;

/**
 * `required`: must be there. `optional`: kept as input. `sparse`: an empty value is the same as none and is left out.
 * `filled`: never absent in a parsed value. `created`: filled in when a document is read, left alone when stored
 * data is read.
 */
type Presence = 'required' | 'optional' | 'sparse' | 'filled' | 'created';

export interface Field<T = unknown, P extends Presence = Presence> {
  readonly schema: Schema<T>;
  readonly presence: P;
  /** What `filled` and `created` put there; sees the fields that stand before this one and are right. */
  readonly fill: (before: Readonly<Record<string, unknown>>) => unknown;
  /** The default as pages print it; undefined if there is none. */
  readonly defaultText: string | undefined;
  /** One sentence. */
  readonly doc: string;
}

const nothing = (): undefined => undefined;

export function required<T>(schema: Schema<T>, doc: string): Field<T, 'required'> {
  return { schema, presence: 'required', fill: nothing, defaultText: undefined, doc };
}

export function optional<T>(schema: Schema<T>, doc = '', defaultText?: string): Field<T, 'optional'> {
  return { schema, presence: 'optional', fill: nothing, defaultText, doc };
}

/** A field where false, 0, an empty text, list, map or object mean the same as no value. */
export function sparse<T>(schema: Schema<T>, doc: string, defaultText?: string): Field<T, 'sparse'> {
  return { schema, presence: 'sparse', fill: nothing, defaultText, doc };
}

export function filled<T>(schema: Schema<T>, value: T & Plain, doc: string): Field<T, 'filled'> {
  return { schema, presence: 'filled', fill: () => value, defaultText: JSON.stringify(value), doc };
}

/** A default that depends on the fields before this one. */
export function computed<T>(
  schema: Schema<T>,
  fill: (before: Readonly<Record<string, unknown>>) => T,
  defaultText: string,
  doc: string,
): Field<T, 'filled'> {
  return { schema, presence: 'filled', fill, defaultText, doc };
}

/** A default that is written into new resources only. */
export function created<T>(schema: Schema<T>, value: T & Plain, doc: string): Field<T, 'created'> {
  return { schema, presence: 'created', fill: () => value, defaultText: JSON.stringify(value), doc };
}

/** As `created`, from the fields before this one; undefined leaves it out. */
export function createdFrom<T>(
  schema: Schema<T>,
  fill: (before: Readonly<Record<string, unknown>>) => T | undefined,
  defaultText: string,
  doc: string,
): Field<T, 'created'> {
  return { schema, presence: 'created', fill, defaultText, doc };
}

export type Fields = Readonly<Record<string, Field>>;
/** As they are written: a schema alone is a required field without documentation. */
export type FieldsInput = Readonly<Record<string, Field | Shape>>;
type Certain<F> = { [K in keyof F]: F[K] extends Field<unknown, 'required' | 'filled'> | Shape ? K : never }[keyof F];
type ValueOf<F> = F extends Field ? Infer<F['schema']> : Infer<F>;
type Flat<T> = { [K in keyof T]: T[K] };

/** The names of a table of fields. */
export function namesOf<F extends Fields>(fields: F): readonly (keyof F & string)[] {
  return Object.keys(fields);
}

/** The object type that a table of fields describes. */
export type ObjectOf<F extends FieldsInput> = Flat<
  { readonly [K in Certain<F>]: ValueOf<F[K]> } & {
    readonly [K in Exclude<keyof F, Certain<F>>]?: ValueOf<F[K]> | undefined;
  }
>;

type ItemOf<T> = T extends readonly (infer I)[] ? I : T;

/** `spec`, `spec.order`, `spec.ingress.action`: the paths of the fields of T, those of the items of lists included. */
export type PathOf<T> = T extends object
  ? { [K in keyof T & string]: K | `${K}.${PathOf<ItemOf<NonNullable<T[K]>>>}` }[keyof T & string]
  : never;

type Below<P extends string, K extends string> = P extends `${K}.${infer R}` ? R : never;
type SeenBelow<T, P extends string> = T extends readonly (infer I)[]
  ? readonly Seen<I, P>[]
  : T extends object
    ? Seen<T, P>
    : T;

/** T with nothing but the fields at the paths. */
export type Seen<T, P extends string> = {
  readonly [K in keyof T as K extends string ? (P extends K | `${K}.${string}` ? K : never) : never]: K extends P
    ? T[K]
    : SeenBelow<T[K], Below<P, K & string>>;
};

/** A rule between fields of T. */
export interface Between<T> {
  readonly reads: readonly FieldPath[];
  readonly onlyWritten?: boolean;
  readonly check: (value: T, report: Report, isPresent: IsPresent) => void;
}

/**
 * A rule that reads the fields at the paths, and no others; it holds whatever else is wrong in the object. What may not
 * stand beside what is a question to `isPresent`, which no issue keeps from being answered.
 */
export function between<T, const P extends PathOf<T> = PathOf<T>>(
  reads: readonly P[],
  check: (value: Seen<T, P>, report: Report, isPresent: (path: PathOf<T>) => boolean) => void,
): Between<T> {
  return { reads: reads.map((path) => path.split('.')), check: check as Between<T>['check'] };
}

/** The rule for documents alone: what breaks it may stand in the store, and is read from there. */
export function whenWritten<T>(rule: Between<T>): Between<T> {
  return { ...rule, onlyWritten: true };
}

function isTable(input: FieldsInput): input is Fields {
  return Object.values(input).every((one) => 'schema' in one);
}

/** A table of fields that several objects share stays one table, by which it is known again. */
function tableOf(input: FieldsInput): Fields {
  if (isTable(input)) return input;
  const fields = Object.entries(input).map(([name, one]) => [name, 'shape' in one ? required(one, '') : one] as const);
  return Object.fromEntries(fields);
}

export function object<F extends FieldsInput>(
  input: F,
  ...rules: readonly Between<ObjectOf<F>>[]
): Schema<ObjectOf<F>> & ObjectShape {
  return { shape: 'object', fields: tableOf(input), rules: rules as readonly ShapeRule[] };
}

export interface ListLimits {
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly unique?: boolean;
  readonly wanted?: string;
}

export function list<T>(item: Schema<T>, limits: ListLimits = {}): Schema<readonly T[]> {
  const { minItems = 0, maxItems = Number.POSITIVE_INFINITY, unique = false, wanted } = limits;
  return { shape: 'list', item, minItems, maxItems, unique, wanted };
}

export function map<T>(key: Scalar<string>, value: Schema<T>): Schema<Readonly<Record<string, T>>> {
  return { shape: 'map', key, value };
}
