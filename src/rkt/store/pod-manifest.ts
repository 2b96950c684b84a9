// The pod manifest: what a prepared pod will run. It lies in the pod's directory and `cat-manifest` prints it.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { printJson } from '../../base/json.ts';
import { VERSION } from '../../base/version.ts';
import { parseDocument } from '../../schema/parse.ts';
import { anything, boolean, choice, integer, text } from '../../schema/scalars.ts';
import { type Infer, list, object, optional, type Schema } from '../../schema/schema.ts';
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
    readonly supplementaryGIDs?: readonly number[] | undefined;
    readonly workingDirectory: string;
    readonly environment: readonly NameValue[];
    /** Paths that the image wants volumes on. */
    readonly mountPoints: readonly MountPoint[];
    readonly isolators: readonly Isolator[];
  };
  readonly readOnlyRootFS?: boolean | undefined;
  readonly mounts: readonly Mount[];
  /** undefined in pods that an earlier version has prepared. */
  readonly annotations?: readonly NameValue[] | undefined;
}

export interface PodManifest {
  readonly apps: readonly PodApp[];
  readonly volumes: readonly Volume[];
}

const id = integer(0, 0xffffffff);
const nameValue = object({ name: text(), value: text() });

const podApp: Schema<PodApp> = object({
  name: text({ wanted: 'an app name', pattern: /^[a-z0-9]+(-[a-z0-9]+)*$/ }),
  image: object({ name: text(), id: text(), labels: list(nameValue) }),
  app: object({
    exec: list(text()),
    user: text(),
    group: text(),
    supplementaryGIDs: optional(list(id)),
    workingDirectory: text(),
    environment: list(nameValue),
    mountPoints: list(object({ name: text(), path: text() })),
    isolators: list(object({ name: text(), value: anything })),
  }),
  readOnlyRootFS: optional(boolean),
  mounts: list(object({ volume: text(), path: text() })),
  annotations: optional(list(nameValue)),
});

const podVolume = object({
  name: text(),
  kind: choice('host', 'empty'),
  source: optional(text()),
  readOnly: optional(boolean),
  recursive: optional(boolean),
  mode: optional(text({ wanted: 'an octal mode', pattern: /^[0-7]{1,5}$/ })),
  uid: optional(id),
  gid: optional(id),
});

function volumeOf({ name, kind, source = '', readOnly, recursive, ...empty }: Infer<typeof podVolume>): Volume {
  if (kind === 'host') return { kind, name, source, readOnly, recursive };
  const { mode = '0755', uid = 0, gid = 0 } = empty;
  return { kind, name, readOnly, mode: Number.parseInt(mode, 8), uid, gid };
}

const podManifest = object({ apps: list(podApp), volumes: list(podVolume) });

/** Throws `invalid`, naming the file and every issue. */
export function parsePodManifest(path: string, json: string): PodManifest {
  const { apps, volumes } = parseDocument(`pod manifest "${path}"`, json, podManifest, 'open');
  return { apps, volumes: volumes.map(volumeOf) };
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
