// The pod manifest: what a prepared pod will run. It lies in the pod's directory and `cat-manifest` prints it.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { printJson } from '../../base/json.ts';
import { VERSION } from '../../base/version.ts';
import {
  anything,
  describe,
  integer,
  list,
  object,
  optional,
  parseDocument,
  type Reader,
  text,
} from '../../schema/fields.ts';
import type { Mount, Volume } from '../options/volume.ts';

export interface NameValue {
  readonly name: string;
  readonly value: string;
}

/** A limit or permission of an app by its appc name, e.g. `resource/memory`. */
export interface Isolator {
  readonly name: string;
  readonly value: unknown;
}

export interface MountPoint {
  readonly name: string;
  readonly path: string;
}

export interface PodApp {
  readonly name: string;
  readonly image: { readonly name: string; readonly id: string; readonly labels: readonly NameValue[] };
  readonly app: {
    readonly exec: readonly string[];
    readonly user: string;
    readonly group: string;
    readonly supplementaryGIDs: readonly number[] | undefined;
    readonly workingDirectory: string;
    readonly environment: readonly NameValue[];
    /** Paths that the image wants volumes on. */
    readonly mountPoints: readonly MountPoint[];
    readonly isolators: readonly Isolator[];
  };
  readonly readOnlyRootFS: boolean | undefined;
  readonly mounts: readonly Mount[];
  /** undefined in pods that an earlier version has prepared. */
  readonly annotations: readonly NameValue[] | undefined;
}

export interface PodManifest {
  readonly apps: readonly PodApp[];
  readonly volumes: readonly Volume[];
}

const id = integer(0, 0xffffffff);
const bool: Reader<boolean> = (value, path, issues) => {
  if (typeof value === 'boolean') return value;
  issues.push({ path, found: describe(value), wanted: 'true or false' });
  return false;
};
const nameValue = object<NameValue>({ name: text(), value: text() }, 'open');

const readApp = object<PodApp>(
  {
    name: text({ wanted: 'an app name', accepts: (name) => /^[a-z0-9]+(-[a-z0-9]+)*$/.test(name) }),
    image: object({ name: text(), id: text(), labels: list(nameValue) }, 'open'),
    app: object(
      {
        exec: list(text()),
        user: text(),
        group: text(),
        supplementaryGIDs: optional(list(id)),
        workingDirectory: text(),
        environment: list(nameValue),
        mountPoints: list(object<MountPoint>({ name: text(), path: text() }, 'open')),
        isolators: list(object<Isolator>({ name: text(), value: anything }, 'open')),
      },
      'open',
    ),
    readOnlyRootFS: optional(bool),
    mounts: list(object<Mount>({ volume: text(), path: text() }, 'open')),
    annotations: optional(list(nameValue)),
  },
  'open',
);

interface RawVolume {
  readonly name: string;
  readonly kind: string;
  readonly source: string | undefined;
  readonly readOnly: boolean | undefined;
  readonly recursive: boolean | undefined;
  readonly mode: string | undefined;
  readonly uid: number | undefined;
  readonly gid: number | undefined;
}

const readRawVolume = object<RawVolume>(
  {
    name: text(),
    kind: text({ wanted: '"host" or "empty"', accepts: (kind) => kind === 'host' || kind === 'empty' }),
    source: optional(text()),
    readOnly: optional(bool),
    recursive: optional(bool),
    mode: optional(text({ wanted: 'an octal mode', accepts: (mode) => /^[0-7]{1,5}$/.test(mode) })),
    uid: optional(id),
    gid: optional(id),
  },
  'open',
);

const readVolume: Reader<Volume> = (value, path, issues) => {
  const {
    name,
    kind,
    source = '',
    readOnly,
    recursive,
    mode = '0755',
    uid = 0,
    gid = 0,
  } = readRawVolume(value, path, issues);
  if (kind === 'host') return { kind, name, source, readOnly, recursive };
  return { kind: 'empty', name, readOnly, mode: Number.parseInt(mode, 8), uid, gid };
};

const readManifest = object<PodManifest>({ apps: list(readApp), volumes: list(readVolume) }, 'open');

/** Throws `invalid`, naming the file and every issue. */
export function parsePodManifest(path: string, json: string): PodManifest {
  return parseDocument(`pod manifest "${path}"`, json, readManifest);
}

/** The manifest in a pod's directory. Throws when it is missing or damaged. */
export function readPodManifest(podPath: string): PodManifest {
  const path = join(podPath, 'pod');
  return parsePodManifest(path, readFileSync(path, 'utf8'));
}

function printVolume(volume: Volume): unknown {
  const { name, kind, readOnly } = volume;
  if (volume.kind === 'host') return { name, kind, source: volume.source, readOnly, recursive: volume.recursive };
  return { name, kind, readOnly, mode: volume.mode.toString(8).padStart(4, '0'), uid: volume.uid, gid: volume.gid };
}

/** JSON in the shape of an appc pod manifest. Source: App Container specification 0.8.11. */
export function printPodManifest(manifest: PodManifest, indent?: string): string {
  const document = {
    acVersion: VERSION,
    acKind: 'PodManifest',
    apps: manifest.apps,
    volumes: manifest.volumes.map(printVolume),
    isolators: null,
    annotations: [{ name: 'coreos.com/rkt/stage1/mutable', value: 'false' }],
    ports: [],
  };
  return printJson(document, indent);
}
