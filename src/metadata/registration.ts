// A registered pod: who it is, how it is recognised, and what it may ask about itself. As a file, readable by root alone.
import { createHash } from 'node:crypto';
import { printJson } from '../base/json.ts';
import { dictionary, list, object, optional, parseDocument, type Reader, text } from '../schema/fields.ts';

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
  readonly podPath: string | undefined;
  /** Pod manifest, in JSON. */
  readonly manifest: string;
  /** Image manifests of its apps, in JSON. */
  readonly images: Readonly<Record<string, string>>;
}

/** A registration with what its manifests say, read once. */
export interface RegisteredPod extends Registration {
  readonly facts: PodFacts;
  readonly imageAnnotations: ReadonlyMap<string, readonly Annotation[]>;
}

export function hashToken(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

export function isUuid(word: string): boolean {
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(word);
}

export function isIp4(word: string): boolean {
  const parts = word.split('.');
  return parts.length === 4 && parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256);
}

export function isAppName(word: string): boolean {
  return /^[a-z0-9]+(-[a-z0-9]+)*$/.test(word) && word.length <= 512;
}

const readAnnotations = optional(list(object<Annotation>({ name: text(), value: text() }, 'open')));

/** What is asked for of a pod manifest. */
interface PodFacts {
  readonly annotations: readonly Annotation[] | undefined;
  readonly apps: readonly {
    readonly name: string;
    readonly image: { readonly id: string };
    readonly annotations: readonly Annotation[] | undefined;
  }[];
}

const readPodFacts: Reader<PodFacts> = object<PodFacts>(
  {
    annotations: readAnnotations,
    apps: list(object({ name: text(), image: object({ id: text() }, 'open'), annotations: readAnnotations }, 'open')),
  },
  'open',
);
const readImageFacts = object({ annotations: readAnnotations }, 'open');

/** Throws `invalid` with every issue of a manifest. */
export function readManifests(registration: Registration): RegisteredPod {
  const facts = parseDocument('pod manifest', registration.manifest, readPodFacts);
  const images = Object.entries(registration.images).map(([app, manifest]) => {
    const { annotations = [] } = parseDocument(`image manifest of app "${app}"`, manifest, readImageFacts);
    return [app, annotations] as const;
  });
  return { ...registration, facts, imageAnnotations: new Map(images) };
}

const readRegistration = object<Registration>(
  {
    uuid: text({ wanted: 'a UUID', accepts: isUuid }),
    tokenHash: text({ wanted: 'a hash', accepts: (hash) => /^[0-9a-f]{64}$/.test(hash) }),
    address: text({ wanted: 'an IPv4 address', accepts: isIp4 }),
    podPath: optional(text()),
    manifest: text(),
    images: dictionary(text()),
  },
  'closed',
);

/** Throws `invalid` with every issue. */
export function parseRegistration(path: string, json: string): RegisteredPod {
  return readManifests(parseDocument(`registration "${path}"`, json, readRegistration));
}

export function printRegistration({ uuid, tokenHash, address, podPath, manifest, images }: Registration): string {
  return printJson({ uuid, tokenHash, address, podPath, manifest, images });
}
