// `rkt status`

import { statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { tryParseBoolean } from '../../base/boolean.ts';
import { OcicatError } from '../../base/errors.ts';
import { escapeLine } from '../../base/escape.ts';
import { flagValue, type WithFlags } from '../../cli/flags.ts';
import { chooseDataDir } from '../cli/data-dir.ts';
import { printTime, tryParseTimespan } from '../cli/format.ts';
import { parseOutputFormat, printDocument } from '../cli/json-output.ts';
import { formatNetworks } from '../network/net-info.ts';
import { findPod, type Pod, type PodState } from '../store/pod-store.ts';
import type { Handler } from './command.ts';
import { namedPod } from './named-pod.ts';
import { type PodView, podObject, readAppStatus, readPodPid, viewPod } from './pod-view.ts';

/** How often a waiting status looks. Source: rkt v1.30.0, rkt/status.go. */
const POLL_MS = 100;

const withProcess: ReadonlySet<PodState> = new Set([
  'running',
  'deleting',
  'exited deleting',
  'exited',
  'exited garbage',
]);
const finished: ReadonlySet<PodState> = new Set(['exited', 'exited garbage', 'exited deleting', 'garbage', 'deleting']);

/** One `key=value` a line. Source of keys and order: rkt v1.30.0, rkt/status.go. */
function printStatus(view: PodView): string {
  const { pod, manifest } = view;
  const lines = [`state=${pod.state}`, `created=${printTime(view.createdMs)}`];
  if (view.startedMs !== undefined) lines.push(`started=${printTime(view.startedMs)}`);
  if (pod.state === 'running' || pod.state === 'exited') lines.push(`networks=${formatNetworks(view.networks)}`);
  const pid = readPodPid(pod.path);
  if (withProcess.has(pod.state) && pid !== undefined) {
    lines.push(`pid=${pid}`, `exited=${pod.state === 'exited' || pod.state === 'exited garbage'}`);
    for (const app of pod.state === 'running' ? [] : (manifest?.apps ?? [])) {
      const status = readAppStatus(pod.path, app.name);
      if (status !== undefined) lines.push(`app-${app.name}=${status}`);
    }
  }
  return lines.map((line) => `${escapeLine(line)}\n`).join('');
}

/** Milliseconds to wait: Infinity without a bound, undefined for not at all. Throws `invalid`. */
function parseWait(line: WithFlags, name: string): number | undefined {
  const value = flagValue(line, name) ?? 'false';
  const isWaiting = tryParseBoolean(value);
  if (isWaiting !== undefined) return isWaiting ? Number.POSITIVE_INFINITY : undefined;
  const durationMs = tryParseTimespan(value);
  if (durationMs !== undefined) return durationMs;
  throw new OcicatError('invalid', `--${name} "${value}": wanted true, false or a duration such as 10s`);
}

/** Looks at the pod until `done`. Throws `timeout` with `message`. */
async function waitFor(
  dataDir: string,
  uuid: string,
  waitMs: number,
  message: string,
  done: (pod: Pod) => boolean,
): Promise<Pod> {
  const deadline = performance.now() + waitMs;
  for (;;) {
    const pod = findPod(dataDir, uuid);
    if (done(pod)) return pod;
    if (performance.now() >= deadline) throw new OcicatError('timeout', `${message}: context deadline exceeded`);
    await sleep(POLL_MS);
  }
}

/** Ready: its apps have been started. */
function isReady(pod: Pod): boolean {
  return pod.state === 'running' && statSync(join(pod.path, 'ready'), { throwIfNoEntry: false }) !== undefined;
}

/** The status of one pod. Its exit status says nothing about the apps'. */
export const showStatus: Handler = async (context, line) => {
  const format = parseOutputFormat(line);
  const waitMs = parseWait(line, 'wait');
  const readyMs = parseWait(line, 'wait-ready');
  const dataDir = chooseDataDir(context);
  const { uuid } = namedPod(context, dataDir, line.operands, flagValue(line, 'uuid-file'));
  if (readyMs !== undefined) await waitFor(dataDir, uuid, readyMs, 'error waiting for pod readiness', isReady);
  if (waitMs !== undefined) {
    await waitFor(dataDir, uuid, waitMs, 'error waiting for pod to finish', (pod) => finished.has(pod.state));
  }
  const view = viewPod(findPod(dataDir, uuid));
  for (const problem of view.problems) context.stdio.stderr(`status: ${escapeLine(problem)}\n`);
  context.stdio.stdout(format === 'table' ? printStatus(view) : printDocument(podObject(view), format));
  return 0;
};
