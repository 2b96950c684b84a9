// Preparing a pod: images fetched, everything that was asked written down in its directory.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { OcicatError } from '../../base/errors.ts';
import { flagOn, flagValues } from '../../cli/flags.ts';
import { computeAppName } from '../../images/spec/reference.ts';
import type { ImageRecord } from '../../images/store/record.ts';
import type { ImageStore } from '../../images/store/store.ts';
import type { PullPolicy } from '../../images/transfer/fetch.ts';
import { computeEnvironment, parseSetEnv } from '../app/app-environment.ts';
import { computeMountPoints, writeImageManifest } from '../app/image-manifest.ts';
import { OWN_GROUP } from '../app/users.ts';
import { refuseDuplicateVolumes } from '../app/volumes.ts';
import type { Context } from '../cli/context.ts';
import { type AppArguments, type AppRequest, mergeMounts } from '../options/app-arguments.ts';
import { type Flavour, writeFlavour } from '../options/flavour.ts';
import { isAcName, parseVolume } from '../options/volume.ts';
import type { Isolator, PodApp, PodManifest } from '../store/pod-manifest.ts';
import { printPodManifest } from '../store/pod-manifest.ts';
import { createPod, type HeldPod } from '../store/pod-store.ts';
import { writeLayers } from '../store/rootfs.ts';
import { openImages, resolveImage } from './image-source.ts';

export interface PrepareRequest {
  readonly uuid: string;
  readonly arguments: AppArguments;
  readonly policy: PullPolicy;
  readonly flavour: Flavour;
  readonly quiet: boolean;
  /** Fires when the caller has lost interest. */
  readonly signal: AbortSignal;
}

export interface PreparedPod {
  /** Locked, in `prepare`. */
  readonly pod: HeldPod;
  readonly manifest: PodManifest;
}

function computeExec(request: AppRequest, image: ImageRecord): readonly string[] {
  const own = [...(image.config.Entrypoint ?? []), ...(image.config.Cmd ?? [])];
  const exec = [...(request.exec === undefined ? own : [request.exec]), ...request.args];
  if (exec[0]) return exec;
  throw new OcicatError('invalid', `image "${image.name}" has an empty "exec" (try --exec=BINARY)`);
}

function isolatorsOf(request: AppRequest): readonly Isolator[] {
  const { capabilities, memoryBytes, milliCpu, cpuShares, oomScoreAdj, pids } = request;
  const isolators: Isolator[] = [];
  if (capabilities.kind !== 'default') {
    isolators.push({ name: `os/linux/capabilities-${capabilities.kind}-set`, value: { set: capabilities.set } });
  }
  if (memoryBytes !== undefined) isolators.push({ name: 'resource/memory', value: { limit: String(memoryBytes) } });
  if (milliCpu !== undefined) isolators.push({ name: 'resource/cpu', value: { limit: `${milliCpu}m` } });
  if (cpuShares !== undefined) isolators.push({ name: 'os/linux/cpu-shares', value: cpuShares });
  if (pids !== undefined) isolators.push({ name: 'os/linux/pids-limit', value: pids });
  if (oomScoreAdj !== undefined) isolators.push({ name: 'os/linux/oom-score-adj', value: oomScoreAdj });
  return isolators;
}

function nameOf(request: AppRequest, image: ImageRecord): string {
  const name = request.name ?? computeAppName(image.name);
  if (isAcName(name)) return name;
  throw new OcicatError('invalid', `image "${image.name}": its name makes no app name, use --name`);
}

type EnvironmentSources = Pick<Parameters<typeof computeEnvironment>[0], 'inherited' | 'pod'>;

function computeApp(
  request: AppRequest,
  image: ImageRecord,
  sources: EnvironmentSources,
  podMounts: AppArguments['mounts'],
): PodApp {
  const { config } = image;
  const [user = '', group = OWN_GROUP] = (config.User ?? '').split(':');
  // An image that names nobody runs as group 0 whoever is to run it.
  const ownGroup = request.user === undefined || user !== '' ? OWN_GROUP : '0';
  return {
    name: nameOf(request, image),
    image: {
      name: image.name,
      id: image.id,
      labels: Object.entries(image.labels).map(([name, value]) => ({ name, value })),
    },
    app: {
      exec: computeExec(request, image),
      user: request.user ?? (user || '0'),
      group: request.group ?? (group || ownGroup),
      supplementaryGIDs: request.supplementaryGids,
      workingDirectory: request.workingDirectory ?? (config.WorkingDir || '/'),
      environment: computeEnvironment({ ...sources, image: config.Env ?? [], app: request.environment }),
      mountPoints: computeMountPoints(config.Volumes ?? []),
      isolators: isolatorsOf(request),
    },
    readOnlyRootFS: request.readOnlyRootfs,
    mounts: mergeMounts(podMounts, request.mounts),
    annotations: [...request.annotations].map(([name, value]) => ({ name, value })),
  };
}

function computeManifest(context: Context, asked: AppArguments, images: readonly ImageRecord[]): PodManifest {
  const sources: EnvironmentSources = {
    inherited: flagOn(asked, 'inherit-env') ? context.environment : {},
    pod: parseSetEnv(flagValues(asked, 'set-env'), flagValues(asked, 'set-env-file')),
  };
  const volumes = flagValues(asked, 'volume').map(parseVolume);
  const apps = asked.apps.flatMap((request, index) => {
    const image = images[index];
    return image === undefined ? [] : [computeApp(request, image, sources, asked.mounts)];
  });
  const names = apps.map((app) => app.name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new OcicatError('invalid', `error: multiple apps with name ${twice}`);
  refuseDuplicateVolumes({ apps, volumes });
  return { apps, volumes };
}

function writePod(
  pod: HeldPod,
  manifest: PodManifest,
  images: readonly ImageRecord[],
  store: ImageStore,
  flavour: Flavour,
): void {
  mkdirSync(join(pod.path, 'apps'), { mode: 0o750 });
  images.forEach((image, index) => {
    const name = manifest.apps[index]?.name ?? '';
    writeLayers(pod.path, name, store.layerPaths(image));
    writeImageManifest(pod.path, name, image);
  });
  writeFlavour(pod.path, flavour);
  writeFileSync(join(pod.path, 'pod'), printPodManifest(manifest), { mode: 0o640 });
  writeFileSync(join(pod.path, 'pod-created'), '');
}

/** Fetches what is missing and makes the pod. `onCreated` runs as soon as the pod has a directory. */
export async function preparePod(
  context: Context,
  dataDir: string,
  request: PrepareRequest,
  onCreated: () => void = () => {},
): Promise<PreparedPod> {
  const images = openImages(context, dataDir, request.policy, request.quiet);
  try {
    const records: ImageRecord[] = [];
    for (const app of request.arguments.apps) records.push(await resolveImage(images, app.image, request.signal));
    const manifest = computeManifest(context, request.arguments, records);
    const pod = createPod(dataDir, request.uuid);
    onCreated();
    writePod(pod, manifest, records, images.store, request.flavour);
    return { pod, manifest };
  } finally {
    images.close();
  }
}
