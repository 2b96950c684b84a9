// What every resource has in common: kind, version and metadata (Calico v3.33, libcalico-go/lib/backend/model/resource.go).
import { escapeLine } from '../../base/escape.ts';
import { parsedText, text } from '../../schema/scalars.ts';
import {
  between,
  type Infer,
  map,
  type ObjectShape,
  object,
  optional,
  required,
  type Scalar,
  type Schema,
  sparse,
} from '../../schema/schema.ts';
import { annotationKey, dnsLabel, labelKey, labelValue } from './names.ts';

/** The one version that resources are written in. */
export const API_VERSION = 'projectcalico.org/v3';

/** All annotations of a resource together, names and values, in characters. */
const MAX_ANNOTATIONS_LENGTH = 256 * 1024;

const TIME = /^(\d{4})-(\d\d)-(\d\d)T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d+)?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$/;

/** Whether a text is a time of RFC 3339, of a day that there is. */
function isTime(value: string): boolean {
  const [, year = '', month = '', day = ''] = TIME.exec(value) ?? [];
  const daysInMonth = new Date(Date.UTC(Number(year), Number(month), 0)).getUTCDate();
  return Number(month) >= 1 && Number(month) <= 12 && Number(day) >= 1 && Number(day) <= daysInMonth;
}

export const timestamp = parsedText('a time such as 2026-11-23T11:18:07Z', (value) =>
  isTime(value) ? value : undefined,
);
const anyText = text();

function metadataFields(name: Scalar<string>) {
  return {
    name: required(name, 'The name, unique among the resources of its kind and namespace.'),
    namespace: sparse(dnsLabel, 'The namespace, for kinds that have one.'),
    uid: sparse(anyText, 'Set by the program that creates the resource.'),
    resourceVersion: sparse(
      anyText,
      'The revision that was read; an update with it is refused if the resource has changed since.',
    ),
    creationTimestamp: optional(timestamp, 'Set by the program that creates the resource.'),
    labels: sparse(map(labelKey, labelValue), 'Labels that selectors match.'),
    annotations: sparse(map(annotationKey, anyText), 'Notes; at most 256 kB together.'),
  };
}

type MetadataSchema = ReturnType<typeof metadataSchema>;
export type Metadata = Infer<MetadataSchema>;

/** Metadata whose name follows a kind's rule. */
export function metadataSchema(name: Scalar<string>) {
  return object(
    metadataFields(name),
    between(['annotations'], ({ annotations = {} }, report) => {
      let length = 0;
      for (const key in annotations) length += key.length + (annotations[key] ?? '').length;
      if (length <= MAX_ANNOTATIONS_LENGTH) return;
      report('annotations', `at most ${MAX_ANNOTATIONS_LENGTH} in all annotations together`, `${length} characters`);
    }),
  );
}

/** A resource as documents and the store hold it. `status` is there only for kinds that have one. */
export interface Resource<Spec = unknown, Status = unknown, K extends string = string> {
  readonly kind: K;
  readonly apiVersion: typeof API_VERSION;
  readonly metadata: Metadata;
  readonly spec: Spec;
  readonly status?: Status | undefined;
}

/** Which resource: `namespace` is wanted for the namespaced kinds and for no other. */
export interface ResourceName {
  readonly kind: string;
  readonly namespace?: string | undefined;
  readonly name: string;
}

/** The shape of a whole document, for those who walk over descriptions. */
export type ResourceSchema<R> = Schema<R> & ObjectShape;

export function nameOf({ kind, metadata: { namespace, name } }: Pick<Resource, 'kind' | 'metadata'>): ResourceName {
  return { kind, namespace, name };
}

/** `Kind(name)` or `Kind(namespace/name)`, as Calico's messages name a resource. */
export function formatResourceName({ kind, namespace, name }: ResourceName): string {
  return escapeLine(namespace === undefined ? `${kind}(${name})` : `${kind}(${namespace}/${name})`);
}

export function formatResourceId(resource: Pick<Resource, 'kind' | 'metadata'>): string {
  return formatResourceName(nameOf(resource));
}
