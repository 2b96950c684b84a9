// The part of an image's configuration that running it needs, in OCI's own field names.
import { membersOf } from '../../schema/document.ts';
import { text, textThat } from '../../schema/scalars.ts';
import { list, map, object, optional, type Scalar, type Schema } from '../../schema/schema.ts';

/** Source: OCI image-spec, config.md. What an image leaves out or writes as null is undefined. */
export interface ImageConfig {
  readonly User?: string | undefined;
  readonly Entrypoint?: readonly string[] | undefined;
  readonly Cmd?: readonly string[] | undefined;
  /** `NAME=VALUE` each. */
  readonly Env?: readonly string[] | undefined;
  readonly WorkingDir?: string | undefined;
  /** `80/tcp`, `53/udp` or `80`, sorted. */
  readonly ExposedPorts?: readonly string[] | undefined;
  /** Paths, sorted. */
  readonly Volumes?: readonly string[] | undefined;
  readonly Labels?: Readonly<Record<string, string>> | undefined;
  readonly StopSignal?: string | undefined;
}

function isTextList(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}

/** Registries write sets as objects with empty values; a plain list is read too, because records keep it so. */
const keys: Scalar<readonly string[]> = {
  shape: 'scalar',
  wanted: 'an object, or a list of texts',
  json: {},
  read: (value) => {
    if (isTextList(value)) return value;
    const members = membersOf(value);
    return members === undefined ? undefined : Object.keys(members).sort();
  },
};

/** Docker wrote a single string where OCI wants a list in some old images. */
const textOrList: Scalar<readonly string[]> = {
  shape: 'scalar',
  wanted: 'a text, or a list of texts',
  json: {},
  read: (value) => (typeof value === 'string' ? [value] : isTextList(value) ? value : undefined),
};

const clean = textThat('a text without NUL', (value) => !value.includes('\0'));

/** Both a registry's form and a record's. */
export const imageConfig: Schema<ImageConfig> = object({
  User: optional(clean),
  Entrypoint: optional(textOrList),
  Cmd: optional(textOrList),
  Env: optional(list(clean)),
  WorkingDir: optional(clean),
  ExposedPorts: optional(keys),
  Volumes: optional(keys),
  Labels: optional(map(text(), text())),
  StopSignal: optional(text()),
});

/** The configuration of an image that has none. */
export const emptyImageConfig: ImageConfig = {};
