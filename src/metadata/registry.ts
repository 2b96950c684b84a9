// The registered pods, in memory and as files, so that a service that starts again knows those that live.
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describeError } from '../base/errors.ts';
import { replaceFile } from '../sys/replace-file.ts';
import {
  hashToken,
  parseRegistration,
  printRegistration,
  type RegisteredPod,
  type Registration,
  readManifests,
} from './registration.ts';

export interface Registry {
  /** Whether anybody at that address may have something to ask. */
  hasAddress(address: string): boolean;
  /** The living pod that has the token and comes from its own address; undefined for everybody else. */
  tryFind(address: string, token: string): RegisteredPod | undefined;
  get(uuid: string): Registration | undefined;
  /** In place of an earlier registration of the same pod. Throws `invalid` for a manifest that is none. */
  put(registration: Registration): void;
  /** False if there was none. */
  forget(uuid: string): boolean;
  /** Forgets pods that have ended without being unregistered: their runner was killed, or the machine went down. */
  sweep(): void;
}

export interface RegistrySetting {
  /** Directory of root alone; made where it is missing. */
  readonly directory: string;
  /** Whether a pod's directory is held by whoever runs it. */
  readonly isHeld: (podPath: string) => boolean;
  readonly warn: (line: string) => void;
}

const SUFFIX = '.json';

function readAll({ directory, warn }: RegistrySetting): readonly RegisteredPod[] {
  const files = readdirSync(directory).filter((file) => file.endsWith(SUFFIX) && !file.startsWith('.'));
  return files.flatMap((file) => {
    const path = join(directory, file);
    try {
      return [parseRegistration(path, readFileSync(path, 'utf8'))];
    } catch (error) {
      warn(describeError(error));
      rmSync(path, { force: true });
      return [];
    }
  });
}

/** With those that an earlier service has registered and that still live. */
export function openRegistry(setting: RegistrySetting): Registry {
  const { directory, isHeld } = setting;
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const byUuid = new Map(readAll(setting).map((each) => [each.uuid, each]));
  const byToken = new Map([...byUuid.values()].map((each) => [each.tokenHash, each]));
  const pathOf = (uuid: string): string => join(directory, `${uuid}${SUFFIX}`);
  const isAlive = ({ podPath }: Registration): boolean => podPath === undefined || isHeld(podPath);

  const registry: Registry = {
    hasAddress: (address) => [...byUuid.values()].some((each) => each.address === address),
    get: (uuid) => byUuid.get(uuid),
    tryFind(address, token) {
      const pod = byToken.get(hashToken(token));
      if (pod === undefined || pod.address !== address) return undefined;
      if (isAlive(pod)) return pod;
      registry.forget(pod.uuid);
      return undefined;
    },
    put(registration) {
      const pod = readManifests(registration);
      const before = byUuid.get(pod.uuid);
      replaceFile(pathOf(pod.uuid), printRegistration(registration), 0o600);
      if (before !== undefined) byToken.delete(before.tokenHash);
      byUuid.set(pod.uuid, pod);
      byToken.set(pod.tokenHash, pod);
    },
    forget(uuid) {
      const pod = byUuid.get(uuid);
      if (pod === undefined) return false;
      rmSync(pathOf(uuid), { force: true });
      byToken.delete(pod.tokenHash);
      return byUuid.delete(uuid);
    },
    sweep() {
      for (const each of [...byUuid.values()]) if (!isAlive(each)) registry.forget(each.uuid);
    },
  };
  registry.sweep();
  return registry;
}
