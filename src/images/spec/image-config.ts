// The part of an image's configuration that running it needs, in OCI's own field names.
import { dictionary, list, object, optional, type Reader, text } from '../../schema/fields.ts';

/** Source: OCI image-spec, config.md. What an image leaves out or writes as null is undefined. */
export interface ImageConfig {
  readonly User: string | undefined;
  readonly Entrypoint: readonly string[] | undefined;
  readonly Cmd: readonly string[] | undefined;
  /** `NAME=VALUE` each. */
  readonly Env: readonly string[] | undefined;
  readonly WorkingDir: string | undefined;
  /** `80/tcp`, `53/udp` or `80`, sorted. */
  readonly ExposedPorts: readonly string[] | undefined;
  /** Paths, sorted. */
  readonly Volumes: readonly string[] | undefined;
  readonly Labels: Readonly<Record<string, string>> | undefined;
  readonly StopSignal: string | undefined;
}

/** Registries write sets as objects with empty values; a plain list is read too, because records keep it so. */
const keys: Reader<readonly string[]> = (value, path, issues) => {
  if (Array.isArray(value)) return list(text())(value, path, issues);
  return Object.keys(dictionary((item: unknown) => item)(value, path, issues)).sort();
};

/** Docker wrote a single string where OCI wants a list in some old images. */
const words: Reader<readonly string[]> = (value, path, issues) =>
  typeof value === 'string' ? [value] : list(text())(value, path, issues);

const clean = text({ wanted: 'text without NUL', accepts: (value) => !value.includes('\0') });

/** Reads both a registry's form and a record's; unknown fields are left out. */
export const readImageConfig: Reader<ImageConfig> = object<ImageConfig>(
  {
    User: optional(clean),
    Entrypoint: optional(words),
    Cmd: optional(words),
    Env: optional(list(clean)),
    WorkingDir: optional(clean),
    ExposedPorts: optional(keys),
    Volumes: optional(keys),
    Labels: optional(dictionary(text())),
    StopSignal: optional(text()),
  },
  'open',
);

/** The configuration of an image that has none. */
export const emptyImageConfig: ImageConfig = readImageConfig({}, '', []);
