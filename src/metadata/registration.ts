// A registered pod: who it is, how it is recognised, and what it may ask about itself. As a file, readable by root alone.
import { createHash } from 'node:crypto';
import { printJson } from '../base/json.ts';
import { parseDocument } from '../schema/parse.ts';
import { text, textThat } from '../schema/scalars.ts';
import { list, map, object, optional, type Schema } from '../schema/schema.ts';

export interface Annotation {
  readonly name: string;
  readonly value: string;
}

export interface Registration {
  readonly uuid: string;
  /** SHA-256 of the token, in hex: nobody reads the token out of the service or its files. */
  readonly tokenHash: string;
  /** The pod's address on the network by which it comes. */
  readonly address: string;
  /** The pod's directory, locked while it lives; undefined for one that only its unregistering ends. */
  readonly podPath?: string | undefined;
  /** Pod manifest, in JSON. */
  readonly manifest: string;
  /** Image manifests of its apps, in JSON. */
  readonly images: Readonly<Record<string, string>>;
}

/** A registration with what its manifests say, read once. */
export interface RegisteredPod extends Registration {
  readonly fields: PodFields;
  readonly imageAnnotations: ReadonlyMap<string, readonly Annotation[]>;
}

export function hashToken(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

export function isUuid(text: string): boolean {
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text);
}

export function isIp4(text: string): boolean {
  const parts = text.split('.');
  return parts.length === 4 && parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256);
}

export function isAppName(text: string): boolean {
  return /^[a-z0-9]+(-[a-z0-9]+)*$/.test(text) && text.length <= 512;
}

const annotations = optional(list(object({ name: text(), value: text() })));

/** What is asked for of a pod manifest. */
interface PodFields {
  readonly annotations?: readonly Annotation[] | undefined;
  readonly apps: readonly {
    readonly name: string;
    readonly image: { readonly id: string };
    readonly annotations?: readonly Annotation[] | undefined;
  }[];
}

const podFields: Schema<PodFields> = object({
  annotations,
  apps: list(object({ name: text(), image: object({ id: text() }), annotations })),
});
const imageFacts = object({ annotations });

/** Throws `invalid` with every issue of a manifest. */
export function readManifests(registration: Registration): RegisteredPod {
  const fields = parseDocument('pod manifest', registration.manifest, podFields, 'open');
  const images = Object.entries(registration.images).map(([app, manifest]) => {
    const { annotations = [] } = parseDocument(`image manifest of app "${app}"`, manifest, imageFacts, 'open');
    return [app, annotations] as const;
  });
  return { ...registration, fields, imageAnnotations: new Map(images) };
}

const registration: Schema<Registration> = object({
  uuid: textThat('a UUID', isUuid),
  tokenHash: text({ wanted: 'a hash', pattern: /^[0-9a-f]{64}$/ }),
  address: textThat('an IPv4 address', isIp4),
  podPath: optional(text()),
  manifest: text(),
  images: map(text(), text()),
});

/** Throws `invalid` with every issue. */
export function parseRegistration(path: string, json: string): RegisteredPod {
  return readManifests(parseDocument(`registration "${path}"`, json, registration, 'closed'));
}

export function printRegistration({ uuid, tokenHash, address, podPath, manifest, images }: Registration): string {
  return printJson({ uuid, tokenHash, address, podPath, manifest, images });
}
