// An image as the appc specification describes one: what the metadata service shows of it, kept with the pod that uses it.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { printJson } from '../../base/json.ts';
import { VERSION } from '../../base/version.ts';
import type { ImageRecord } from '../../images/store/record.ts';
import { tryReadText } from '../../sys/files.ts';
import type { MountPoint, NameValue } from '../store/pod-manifest.ts';
import { splitEntries } from './app-environment.ts';

/** Names of an image's volumes, each once: `volume-` and the path, and where another has that name `-1`, `-2` and so on. */
export function computeMountPoints(paths: readonly string[]): readonly MountPoint[] {
  const taken = new Set<string>();
  return paths.map((path) => {
    const base = `volume-${path.toLowerCase()}`.replace(/[^a-z0-9]+/g, '-').replace(/-+$/, '');
    let name = base;
    for (let count = 1; taken.has(name); count++) name = `${base}-${count}`;
    taken.add(name);
    return { name, path };
  });
}

/** `80/tcp` or `80`, named as rkt names them. */
function portOf(exposed: string): unknown {
  const [port = '', protocol = 'tcp'] = exposed.split('/');
  return {
    name: exposed.replace('/', '-').toLowerCase(),
    protocol,
    port: Number(port),
    count: 1,
    socketActivated: false,
  };
}

/** The image's own labels, and where it comes from in docker2aci's names. */
function annotationsOf({ name, version, manifestDigest, config }: ImageRecord): readonly NameValue[] {
  const [registry = '', ...repository] = name.split('/');
  const docker = {
    registryurl: registry,
    repository: repository.join('/'),
    tag: version,
    manifesthash: manifestDigest.text,
    entrypoint: config.Entrypoint === undefined ? undefined : printJson(config.Entrypoint),
    cmd: config.Cmd === undefined ? undefined : printJson(config.Cmd),
  };
  const own = Object.entries(docker).flatMap(([key, value]) =>
    value === undefined ? [] : [{ name: `appc.io/docker/${key}`, value }],
  );
  return [...Object.entries(config.Labels ?? {}).map(([key, value]) => ({ name: key, value })), ...own];
}

/** JSON in the shape of an appc image manifest. Source: appc specification 0.8.11, "Image Manifest". */
function printImageManifest(image: ImageRecord): string {
  const { config } = image;
  const [user = '', group = user] = (config.User ?? '').split(':');
  return printJson({
    acKind: 'ImageManifest',
    acVersion: VERSION,
    name: image.name,
    labels: Object.entries(image.labels).map(([name, value]) => ({ name, value })),
    app: {
      exec: [...(config.Entrypoint ?? []), ...(config.Cmd ?? [])],
      user: user || '0',
      group: group || '0',
      workingDirectory: config.WorkingDir || '/',
      environment: splitEntries(config.Env ?? []).map(([name, value]) => ({ name, value })),
      mountPoints: computeMountPoints(config.Volumes ?? []),
      ports: (config.ExposedPorts ?? []).map(portOf),
    },
    annotations: annotationsOf(image),
  });
}

function manifestPath(podPath: string, app: string): string {
  return join(podPath, 'appsinfo', app, 'manifest');
}

/** The pod's own copy: images may be forgotten while it lives. */
export function writeImageManifest(podPath: string, app: string, image: ImageRecord): void {
  const path = manifestPath(podPath, app);
  mkdirSync(join(path, '..'), { recursive: true, mode: 0o750 });
  writeFileSync(path, printImageManifest(image), { mode: 0o640 });
}

/** Undefined for a pod that an earlier version has prepared. */
export function tryReadImageManifest(podPath: string, app: string): string | undefined {
  return tryReadText(manifestPath(podPath, app));
}
