// The pods of rkt on this host, by the names of their apps.
import { isOcicatError } from '../../base/errors.ts';
import { chooseDataDir } from '../../rkt/cli/data-dir.ts';
import { readPodManifest } from '../../rkt/store/pod-manifest.ts';
import { observePods, type Pod } from '../../rkt/store/pod-store.ts';
import type { PodNames } from '../../why/resolve.ts';

const DIRECTORIES = { data: undefined, system: '/usr/lib/rkt', local: '/etc/rkt', user: undefined };

function namesOf(pod: Pod): readonly string[] {
  try {
    return readPodManifest(pod.path).apps.map(({ name }) => name);
  } catch {
    return []; // it has none yet, or none any more
  }
}

/** Those that run; none where this user may not look. */
export function observeLocalPods(): readonly PodNames[] {
  try {
    const pods = observePods(chooseDataDir({ directories: DIRECTORIES }), ['run']);
    return pods
      .filter(({ state }) => state === 'running')
      .map((pod) => ({ containerId: pod.uuid, names: namesOf(pod) }));
  } catch (error) {
    if (isOcicatError(error, 'denied')) return [];
    throw error;
  }
}
