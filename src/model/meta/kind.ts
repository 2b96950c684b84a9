// The description of one resource kind, from which everything that handles the kind is derived.
import { formatIssue, OcicatError } from '../../base/errors.ts';
import { choice } from '../../schema/scalars.ts';
import {
  type Between,
  between,
  type Field,
  filled,
  object,
  optional,
  required,
  type Scalar,
  type Schema,
  type ShapeRule,
} from '../../schema/schema.ts';
import { type ReadMode, type ReadResult, readSchema } from '../../schema/schema-read.ts';
import { resourceName } from './names.ts';
import { API_VERSION, metadataSchema, type Resource, type ResourceSchema } from './resource.ts';

/** What a table cell may need besides its own resource. */
export interface TableContext {
  /** The AS number of nodes that name none: BGPConfiguration `default`, else 64512. */
  readonly asNumber: number;
}

/** A column of a table; `value` returns the cell's text. */
export interface Column<R> {
  readonly heading: string;
  value(resource: R, context: TableContext): string;
}

export interface Kind<R extends Resource = Resource> {
  /** `GlobalNetworkPolicy`, as documents write it. */
  readonly name: R['kind'];
  /** `globalnetworkpolicies`: the segment in store keys, and an alias. */
  readonly plural: string;
  /** Other names for it on the command line, lower case. */
  readonly aliases: readonly string[];
  readonly namespaced: boolean;
  /** Whether users may write it. */
  readonly readOnly: boolean;
  /** Whether it is a policy: its spec names the tier that it belongs to. */
  readonly inTier: boolean;
  /** A sentence or two on what it is for. */
  readonly doc: string;
  readonly schema: ResourceSchema<R>;
  readonly columns: readonly Column<R>[];
  /** Headings of the default table. */
  readonly table: readonly string[];
  /** Headings of `-o wide`. */
  readonly wideTable: readonly string[];
  /** Whether its tables end their lines with text and have no empty line after them. */
  readonly bareTable: boolean;
  /** The order of a listing; undefined keeps the order of names. */
  compare?(a: R, b: R): number;
  /** From what users write to what is stored: forced labels and annotations. */
  toStored(resource: R): R;
  /** From what is stored to what users see. */
  fromStored(resource: R): R;
}

export interface KindParts<K extends string, Spec, Status> {
  readonly name: K;
  readonly plural: string;
  readonly aliases?: readonly string[];
  readonly namespaced?: boolean;
  readonly readOnly?: boolean;
  readonly inTier?: boolean;
  readonly doc: string;
  /** The rule for names; default: a DNS subdomain. */
  readonly names?: Scalar<string>;
  readonly spec: Schema<Spec>;
  /** `always`: stored even when empty. */
  readonly status?: { readonly schema: Schema<Status>; readonly always?: boolean };
  /** Rules between name, metadata and spec. */
  readonly rules?: readonly Between<Resource<Spec, Status, K>>[];
  readonly columns: readonly Column<Resource<Spec, Status, K>>[];
  readonly table: readonly string[];
  readonly wideTable?: readonly string[];
  readonly bareTable?: boolean;
  readonly compare?: (a: Resource<Spec, Status, K>, b: Resource<Spec, Status, K>) => number;
  readonly toStored?: (resource: Resource<Spec, Status, K>) => Resource<Spec, Status, K>;
  readonly fromStored?: (resource: Resource<Spec, Status, K>) => Resource<Spec, Status, K>;
}

/** The kind with the schema of its whole document, and the defaults of what was left out. */
export function defineKind<const K extends string, Spec, Status = undefined>(
  parts: KindParts<K, Spec, Status>,
): Kind<Resource<Spec, Status, K>> {
  type R = Resource<Spec, Status, K>;
  const same = (resource: R): R => resource;
  return {
    name: parts.name,
    plural: parts.plural,
    aliases: parts.aliases ?? [],
    namespaced: parts.namespaced ?? false,
    readOnly: parts.readOnly ?? false,
    inTier: parts.inTier ?? false,
    doc: parts.doc,
    schema: documentSchema(parts),
    columns: parts.columns,
    table: parts.table,
    wideTable: parts.wideTable ?? parts.table,
    bareTable: parts.bareTable ?? false,
    ...(parts.compare === undefined ? {} : { compare: parts.compare }),
    toStored: parts.toStored ?? same,
    fromStored: parts.fromStored ?? same,
  };
}

function documentSchema<K extends string, Spec, Status>(
  parts: KindParts<K, Spec, Status>,
): ResourceSchema<Resource<Spec, Status, K>> {
  const fields: Record<string, Field> = {
    kind: required(choice(parts.name), 'The kind of the resource.'),
    apiVersion: required(choice(API_VERSION), 'The version of the format.'),
    metadata: required(metadataSchema(parts.names ?? resourceName), 'Name, labels and annotations.'),
    spec: filled<unknown>(parts.spec, {}, 'What is wanted.'),
  };
  if (parts.status !== undefined) {
    const doc = 'What is; written by programs.';
    const { schema } = parts.status;
    fields.status = parts.status.always ? filled<unknown>(schema, {}, doc) : optional<unknown>(schema, doc);
  }
  const namespaces: readonly Between<Resource>[] = parts.namespaced ? [] : [noNamespace(parts.name)];
  const { shape } = object(fields);
  return { shape, fields, rules: [...namespaces, ...(parts.rules ?? [])] as readonly ShapeRule[] };
}

/** What a kind without namespaces asks of its metadata. */
function noNamespace(name: string): Between<Resource> {
  return between([], (_, report, isPresent) => {
    if (isPresent('metadata.namespace')) report('metadata.namespace', `nothing: ${name} is not namespaced`);
  });
}

/** For kinds of which there is one resource. */
export const onlyDefault: Between<Resource> = between(['metadata.name'], ({ metadata }, report) => {
  if (metadata.name !== 'default') report('metadata.name', '"default"');
});

/** Reads a document of the kind: unknown fields are refused, defaults are filled in. Never throws. */
export function readResource<R extends Resource>(kind: Kind<R>, value: unknown, mode: ReadMode): ReadResult<R> {
  return readSchema<R>(kind.schema, value, mode);
}

/** As readResource for a document; throws `invalid` with every issue. */
export function parseResource<R extends Resource>(kind: Kind<R>, value: unknown): R {
  const result = readResource(kind, value, 'document');
  if (result.kind === 'valid') return result.value;
  const { issues } = result;
  throw new OcicatError('invalid', `parse ${kind.name}: ${issues.map(formatIssue).join('; ')}`, { issues });
}
