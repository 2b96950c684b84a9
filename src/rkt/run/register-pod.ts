// A pod at the metadata service of its host: where it finds it, and from when to when it is known there.
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { OcicatError } from '../../base/errors.ts';
import { METADATA_PORT } from '../../metadata/address.ts';
import * as service from '../../metadata/client.ts';
import { tryReadImageManifest } from '../app/image-manifest.ts';
import type { JoinedNetwork } from '../network/networks.ts';
import type { HeldPod } from '../store/pod-store.ts';
import type { Start } from './start.ts';

/** How a pod and the service see each other. */
interface Way {
  /** The host, for the pod. */
  readonly host: string;
  /** The pod, for the host. */
  readonly pod: string;
}

const LOOPBACK = '127.0.0.1';

function isOwnAddress(address: string): boolean {
  return Object.values(networkInterfaces()).some((all) => all?.some((each) => each.address === address));
}

/**
 * By a network whose gateway is this host; by `default-restricted`, which is there for it, if that is one. Throws `invalid`
 * where none is.
 */
export function chooseWay(networks: readonly JoinedNetwork[], isOwn: (address: string) => boolean): Way {
  const ways = networks.flatMap(({ name, address, gateway }) =>
    address !== undefined && gateway !== undefined && isOwn(gateway) ? [{ name, host: gateway, pod: address }] : [],
  );
  const way = ways.find(({ name }) => name === 'default-restricted') ?? ways[0];
  if (way !== undefined) return { host: way.host, pod: way.pod };
  throw new OcicatError(
    'invalid',
    'register pod with the metadata service: none of its networks leads to this host, add default-restricted to --net',
  );
}

/** Says that the service may know the pod; gone when it does not. */
function markPath(podPath: string): string {
  return join(podPath, 'mds-registered');
}

function readImages({ pod, manifest }: Start): ReadonlyMap<string, string> {
  return new Map(manifest.apps.map(({ name }) => [name, tryReadImageManifest(pod.path, name) ?? '{}']));
}

/** Returns the URL that the pod's apps are given, the token in it; undefined for a pod that is not to be registered. */
export async function registerPod(start: Start, networks: readonly JoinedNetwork[]): Promise<string | undefined> {
  const { pod, options, undo } = start;
  if (!options.mdsRegister) return undefined;
  const way = options.net.kind === 'host' ? { host: LOOPBACK, pod: LOOPBACK } : chooseWay(networks, isOwnAddress);
  const token = randomBytes(16).toString('hex');
  const manifest = readFileSync(join(pod.path, 'pod'), 'utf8');
  writeFileSync(markPath(pod.path), '');
  undo.push('registration', () => unregisterPod(pod));
  const about = { uuid: pod.uuid, token, address: way.pod, podPath: pod.path, manifest, images: readImages(start) };
  try {
    await service.registerPod(about);
  } catch (cause) {
    throw new OcicatError('unavailable', 'failed to register the pod', { cause });
  }
  return `http://${way.host}:${METADATA_PORT}/${token}`;
}

/** Fine for a pod that is not registered, or not any more. */
export async function unregisterPod({ uuid, path }: Pick<HeldPod, 'uuid' | 'path'>): Promise<void> {
  if (!existsSync(markPath(path))) return;
  await service.unregisterPod(uuid);
  rmSync(markPath(path), { force: true });
}
