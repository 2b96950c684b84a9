// `rkt enter`: a command inside a running app.
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { OcicatError } from '../base/errors.ts';
import * as libc from '../sys/libc.ts';
import { completeEnvironment } from './app-environment.ts';
import { pidPath } from './app-process.ts';
import type { Handler } from './commands.ts';
import type { Context } from './context.ts';
import { chooseDataDir } from './data-dir.ts';
import { lastFlag } from './flags.ts';
import { readFlavour } from './flavour.ts';
import { namedPod } from './named-pod.ts';
import { type PodApp, readPodManifest } from './pod-manifest.ts';
import { findPod, type Pod } from './pod-store.ts';
import { readAppStatus, readPodPid } from './pod-view.ts';
import { systemProgram } from './programs.ts';

function chooseApp(context: Context, pod: Pod, wanted: string): PodApp {
  const { apps } = readPodManifest(pod.path);
  if (wanted !== '') {
    const app = apps.find(({ name }) => name === wanted);
    if (app !== undefined) return app;
    throw new OcicatError('not-found', `no app named "${wanted}" in pod "${pod.uuid}"`);
  }
  const [only, second] = apps;
  if (only !== undefined && second === undefined) return only;
  context.stdio.stderr(`pod contains multiple apps:\n${apps.map(({ name }) => `\t${name}\n`).join('')}`);
  throw new OcicatError('invalid', 'unable to determine app name: specify app using "rkt enter --app= ..."');
}

/** How to get in: with fly only the root directory and the mounts are the app's own. */
interface Target {
  readonly pid: number;
  readonly ways: readonly string[];
}

function tryFindTarget(pod: Pod, app: string): Target | undefined {
  if (readAppStatus(pod.path, app) !== undefined) {
    throw new OcicatError('invalid', `app "${app}" of pod "${pod.uuid}" is not running anymore`);
  }
  if (readFlavour(pod.path) === 'fly') {
    const pid = readPodPid(pod.path);
    return pid === undefined ? undefined : { pid, ways: ['--mount'] };
  }
  try {
    const pid = Number(readFileSync(pidPath(pod.path, app), 'utf8'));
    return { pid, ways: ['--mount', '--uts', '--ipc', '--net', '--pid'] };
  } catch {
    return undefined; // it is being started
  }
}

/** Source: facts §1.6, enter. */
const POLL_MS = 100;

async function findTarget(dataDir: string, uuid: string, app: string): Promise<Target> {
  for (;;) {
    const pod = findPod(dataDir, uuid);
    if (pod.state !== 'running') throw new OcicatError('invalid', `pod ${uuid} is not running anymore`);
    const target = tryFindTarget(pod, app);
    if (target !== undefined) return target;
    await sleep(POLL_MS);
  }
}

/** Becomes nsenter(1), so that the terminal, its signals and the exit status are the command's own. */
export const enterPod: Handler = async (context, { uses, rest }) => {
  const dataDir = chooseDataDir(context);
  const pod = namedPod(context, dataDir, rest.slice(0, 1), undefined);
  if (pod.state !== 'running') throw new OcicatError('invalid', `pod "${pod.uuid}" isn't currently running`);
  const app = chooseApp(context, pod, lastFlag(uses, 'app') ?? '');
  if (rest.length === 1) context.stdio.stderr('enter: no command specified, assuming "/bin/bash"\n');
  const command = rest.length === 1 ? ['/bin/bash'] : rest.slice(1);
  const { pid, ways } = await findTarget(dataDir, pod.uuid, app.name);
  const nsenter = systemProgram('nsenter');
  // --wd would be opened before the root is changed, and lead out of it.
  const words = [nsenter, '--target', String(pid), ...ways, '--root', '--wdns=/', '--', ...command];
  const environment = completeEnvironment(app.name, app.app.environment);
  return libc.execve(nsenter, words, [...environment, `TERM=${context.environment.TERM ?? 'vt100'}`]);
};
