// datastore move: from the store of this machine alone to a cluster's, with its pods running all the while.
import { existsSync, readFileSync } from 'node:fs';
import { isOcicatError, OcicatError } from '../../base/errors.ts';
import { type DatastoreConfig, parseDatastoreConfig } from '../../datastore/open/config.ts';
import { MOVED_STORE_PATH, openDatastore, parseConfigText } from '../../datastore/open/open.ts';
import type { Datastore } from '../../datastore/port.ts';
import { readRegularFile } from '../../sys/files.ts';
import { signalProcess } from '../../sys/processes.ts';
import { replaceFileDurably } from '../../sys/replace-file.ts';
import { flagOn, flagValue, type Handler, type Invocation } from '../cli/command.ts';
import { sleep } from '../cli/time.ts';
import { observeAgents } from '../node/agent-process.ts';
import { askReadiness } from '../node/agent-readiness.ts';
import { checkClusterVersion } from '../store/cluster-version.ts';
import { traced } from '../store/context.ts';
import { checkMove, type MovedStores, moveContent } from './content.ts';

const MAX_CONFIG_BYTES = 1 << 20;
/** Another agent may have to prove to be gone first. */
const FOLLOW_TIMEOUT_MS = 60_000;
const POLL_MS = 200;

interface Target {
  readonly config: DatastoreConfig;
  readonly text: string;
}

/** The agent reads the file from a folder of its own, and wherever it runs. */
function checkPaths({ ca, client }: DatastoreConfig): void {
  for (const source of [ca, client?.cert, client?.key]) {
    if (source?.kind !== 'file' || source.path.startsWith('/')) continue;
    throw new OcicatError('invalid', `datastore move: "${source.path}" is a path without a leading "/"`);
  }
}

async function readTarget(invocation: Invocation): Promise<Target> {
  const path = flagValue(invocation, 'to');
  if (path === undefined) throw new OcicatError('invalid', 'datastore move: needs --to FILE, which names the cluster');
  const text = new TextDecoder().decode(readRegularFile(path, MAX_CONFIG_BYTES));
  const config = await parseConfigText(path, text);
  if (config.servers.kind === 'private') throw new OcicatError('invalid', `datastore move: "${path}" names no cluster`);
  checkPaths(config);
  return { config, text };
}

/** Whether an earlier run has come as far as the agent's configuration. */
function hasMoved({ text }: Target): boolean {
  return existsSync(MOVED_STORE_PATH) && readFileSync(MOVED_STORE_PATH, 'utf8') === text;
}

/** This machine's own store; undefined when nobody serves it. */
async function tryOpenOwn(signal: AbortSignal): Promise<Datastore | undefined> {
  const config = parseDatastoreConfig({ kind: 'environment', environment: {} });
  const own = await openDatastore(config, signal, { connectRetryMs: 0 });
  try {
    await own.get('/', signal);
    return own;
  } catch (error) {
    await own.close();
    if (isOcicatError(error, 'unavailable')) return undefined;
    throw error;
  }
}

/** Its own store is locked: it is ready when it follows the cluster's. Throws `unavailable` and `timeout`. */
async function followAgent({ signal }: Invocation): Promise<void> {
  for (const pid of observeAgents()) signalProcess(pid, 'SIGHUP');
  for (let waitedMs = 0; ; waitedMs += POLL_MS) {
    if (observeAgents().length === 0)
      throw new OcicatError(
        'unavailable',
        'datastore move: all is in the cluster, and no agent runs here: start it as before, it follows the cluster now',
      );
    const readiness = await askReadiness();
    if (readiness.kind === 'ready') return;
    if (waitedMs >= FOLLOW_TIMEOUT_MS) {
      const why = readiness.kind === 'no-plugin' ? 'there is no plugin to ask it' : readiness.message;
      throw new OcicatError(
        'timeout',
        `datastore move: all is in the cluster, but the agent does not follow it: ${why}`,
      );
    }
    await sleep(POLL_MS, signal);
  }
}

async function describeMove(invocation: Invocation, stores: MovedStores): Promise<number> {
  const { writes } = await checkMove(stores, invocation.signal);
  invocation.stdio.write(`Would write ${writes.length} entries into the cluster (dry run).\n`);
  return 0;
}

async function finish(invocation: Invocation): Promise<number> {
  await followAgent(invocation);
  invocation.stdio.write('The agent of this host follows the cluster.\n');
  return 0;
}

async function move(invocation: Invocation, target: Target, stores: MovedStores): Promise<number> {
  await checkClusterVersion(invocation, stores.cluster);
  if (flagOn(invocation, 'dry-run')) return describeMove(invocation, stores);
  await moveContent(stores, invocation.signal);
  invocation.stdio.write("All is in the cluster. This host's own store stays, locked.\n");
  replaceFileDurably(MOVED_STORE_PATH, target.text, 0o600); // after a power cut the agent must not go back to what is locked
  return finish(invocation);
}

export const runMove: Handler = async (invocation) => {
  if (process.getuid?.() !== 0) throw new OcicatError('denied', 'This command must be run as root.');
  const target = await readTarget(invocation);
  const own = await tryOpenOwn(invocation.signal);
  if (own === undefined && hasMoved(target)) return finish(invocation);
  if (own === undefined)
    throw new OcicatError(
      'not-found',
      `datastore move: no store of this machine's own: its agent does not run, or has another datastore`,
    );
  const cluster = await openDatastore(target.config, invocation.signal);
  try {
    const stores = { own: await traced(invocation, own), cluster: await traced(invocation, cluster) };
    return await move(invocation, target, stores);
  } finally {
    await Promise.all([own.close(), cluster.close()]);
  }
};
