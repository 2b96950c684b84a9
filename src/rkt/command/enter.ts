// `rkt enter`: a command inside a running app.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { OcicatError } from '../../base/errors.ts';
import { flagValue } from '../../cli/flags.ts';
import * as libc from '../../sys/libc.ts';
import { systemProgram } from '../../sys/programs.ts';
import { completeEnvironment } from '../app/app-environment.ts';
import { pidPath } from '../app/app-process.ts';
import { type Context, callersTerm } from '../cli/context.ts';
import { chooseDataDir } from '../cli/data-dir.ts';
import { readFlavour } from '../options/flavour.ts';
import { execInApp, refuseTracers } from '../run/enter-exec.ts';
import { type PodApp, readPodManifest } from '../store/pod-manifest.ts';
import { findPod, type Pod } from '../store/pod-store.ts';
import type { Handler } from './command.ts';
import { namedPod } from './named-pod.ts';
import { readAppStatus, readPodPid } from './pod-view.ts';

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

function refuseEnded(pod: Pod, app: string): void {
  if (readAppStatus(pod.path, app) === undefined) return;
  throw new OcicatError('invalid', `app "${app}" of pod "${pod.uuid}" is not running anymore`);
}

/** The process to enter at, as the host sees it; undefined while the app is being started. */
function tryFindProcess(pod: Pod, app: string): number | undefined {
  refuseEnded(pod, app);
  if (readFlavour(pod.path) === 'fly') return readPodPid(pod.path);
  if (!existsSync(join(pod.path, 'ready'))) return undefined;
  return Number(readFileSync(pidPath(pod.path, app), 'utf8'));
}

const POLL_MS = 100;

async function findProcess(
  dataDir: string,
  uuid: string,
  app: string,
): Promise<{ readonly pod: Pod; readonly pid: number }> {
  for (;;) {
    const pod = findPod(dataDir, uuid);
    if (pod.state !== 'running') throw new OcicatError('invalid', `pod ${uuid} is not running anymore`);
    const pid = tryFindProcess(pod, app);
    if (pid !== undefined) return { pod, pid };
    await sleep(POLL_MS);
  }
}

/** With fly only the root directory and the mounts are the app's own. Becomes nsenter(1). */
function enterFly(pid: number, command: readonly string[], environment: readonly string[]): never {
  const nsenter = systemProgram('nsenter');
  // --wd would be opened before the root is changed, and lead out of it.
  const argv = [nsenter, '--target', String(pid), '--mount', '--root', '--wdns=/', '--', ...command];
  return libc.execve(nsenter, argv, environment);
}

export const enterPod: Handler = async (context, line) => {
  const called = line.operands.slice(1);
  const dataDir = chooseDataDir(context);
  const named = namedPod(context, dataDir, line.operands.slice(0, 1), undefined);
  if (named.state !== 'running') throw new OcicatError('invalid', `pod "${named.uuid}" isn't currently running`);
  const app = chooseApp(context, named, flagValue(line, 'app') ?? '');
  if (called.length === 0) context.stdio.stderr('enter: no command specified, assuming "/bin/bash"\n');
  const command = called.length === 0 ? ['/bin/bash'] : called;
  const { pod, pid } = await findProcess(dataDir, named.uuid, app.name);
  const term = callersTerm(context);
  if (readFlavour(pod.path) === 'fly') {
    // Root enters, whoever the app is.
    return enterFly(pid, command, [...completeEnvironment(app.name, app.app.environment, '/root'), `TERM=${term}`]);
  }
  if (!context.lifted.has('capabilities')) refuseTracers(pod.path);
  const { uuid, path: podPath } = pod;
  return execInApp({ podPath, uuid, app: app.name, command, term, terminal: process.stdin.isTTY });
};
