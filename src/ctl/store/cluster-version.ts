// Refuses a cluster of another version, unless told to go on: what another version wrote may mean something else to it.
import { isOcicatError, OcicatError } from '../../base/errors.ts';
import { VERSION } from '../../base/version.ts';
import type { Datastore } from '../../datastore/port.ts';
import { getResource } from '../../datastore/resource/resources.ts';
import { flagOn, type Invocation } from '../cli/command.ts';

const NAME = { kind: 'ClusterInformation', name: 'default' } as const;

/** `3.33.0` of `v3.33.0-rc1`; other text as they are. */
function releaseOf(version: string): string {
  return /^v?(\d+\.\d+\.\d+)/.exec(version)?.[1] ?? version;
}

/** What the cluster names as its version; undefined for one that names none, or does not tell this user. */
async function readClusterVersion(datastore: Datastore, signal: AbortSignal): Promise<string | undefined> {
  try {
    const { calicoVersion } = (await getResource(datastore, NAME, signal)).spec;
    return typeof calicoVersion === 'string' && calicoVersion !== '' ? releaseOf(calicoVersion) : undefined;
  } catch (error) {
    if (isOcicatError(error, 'not-found', 'denied')) return undefined;
    if (!isOcicatError(error, 'corrupt')) throw error;
    const why = `unable to get Cluster Information to verify version mismatch: ${error.message}`;
    throw new OcicatError('corrupt', `${why}\nUse --allow-version-mismatch to override`, { cause: error.cause });
  }
}

/**
 * Throws `unsupported` for a cluster of another version, with Calico's message (Calico v3.33, calicoctl/calicoctl/commands),
 * and `corrupt` where its version cannot be read. Commands that work with any version ask nothing, nor does
 * --allow-version-mismatch.
 */
export async function checkClusterVersion(invocation: Invocation, datastore: Datastore): Promise<void> {
  if (invocation.command.anyVersion === true || flagOn(invocation, 'allow-version-mismatch')) return;
  const version = await readClusterVersion(datastore, invocation.signal);
  if (version === undefined || version === VERSION) return;
  const versions = `Client Version:   ${VERSION}\nCluster Version:  ${version}`;
  throw new OcicatError('unsupported', `version mismatch.\n${versions}\nUse --allow-version-mismatch to override`);
}
