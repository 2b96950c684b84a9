// version: the version of this program and, if the store can be reached, of the cluster.
import { isOcicatError } from '../../base/errors.ts';
import { COMMIT, VERSION } from '../../base/version.ts';
import { flagOn, flagValue, type Handler, type Invocation } from '../cli/command.ts';

/** The cluster is asked for no longer than this: the own version must not wait for a store that is away. */
const TIMEOUT_MS = 3_000;

interface ClusterVersion {
  readonly version: string;
  readonly type: string;
}

async function readClusterVersion(invocation: Invocation): Promise<ClusterVersion | undefined> {
  const [{ withStore }, { getResource }] = await Promise.all([
    import('../store/context.ts'),
    import('../../datastore/resource/resources.ts'),
  ]);
  const signal = AbortSignal.any([invocation.signal, AbortSignal.timeout(TIMEOUT_MS)]);
  try {
    const information = await withStore(invocation, (datastore) =>
      getResource(datastore, { kind: 'ClusterInformation', name: 'default' }, signal),
    );
    const { calicoVersion, clusterType } = information.spec;
    return { version: textOf(calicoVersion), type: textOf(clusterType) };
  } catch (error) {
    if (isOcicatError(error, 'not-found')) return { version: 'unknown', type: 'unknown' };
    if (invocation.signal.aborted || !isOcicatError(error) || error.code === 'invalid') throw error;
    return undefined;
  }
}

function textOf(value: unknown): string {
  return typeof value === 'string' && value !== '' ? value : 'unknown';
}

function printCluster(invocation: Invocation, cluster: ClusterVersion | undefined): number {
  const { stdio } = invocation;
  if (cluster === undefined) {
    stdio.writeError('Unable to detect installed Calico version\n');
    return 1;
  }
  stdio.write(`Cluster Version:   ${cluster.version}\nCluster Type:      ${cluster.type}\n`);
  return 0;
}

async function readPeriod(text: string): Promise<number> {
  return (await import('../cli/time.ts')).parseWaitMs(text);
}

/** Until it is interrupted, which is how it is meant to end, also in the midst of a question. */
async function pollCluster(invocation: Invocation, periodMs: number): Promise<number> {
  const { signal } = invocation;
  const { sleep } = await import('../cli/time.ts');
  try {
    for (let shown = ''; !signal.aborted; await sleep(periodMs, signal)) {
      const cluster = await readClusterVersion(invocation);
      const now = JSON.stringify(cluster);
      if (now !== shown) printCluster(invocation, cluster);
      shown = now;
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  return 0;
}

export const runVersion: Handler = async (invocation) => {
  const poll = flagValue(invocation, 'poll');
  const periodMs = poll === undefined ? undefined : await readPeriod(poll);
  invocation.stdio.write(`Client Version:    v${VERSION}\nGit commit:        ${COMMIT}\n`);
  if (flagOn(invocation, 'client')) return 0;
  if (periodMs === undefined) return printCluster(invocation, await readClusterVersion(invocation));
  return pollCluster(invocation, periodMs);
};
