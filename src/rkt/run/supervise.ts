// Watching over a pod's apps until all have finished, one has failed, or the pod is asked to stop.
import { isOcicatError } from '../../base/errors.ts';
import type { ChildEnd } from '../../sys/libc.ts';
import * as libc from '../../sys/libc.ts';
import { type AppProcess, statusOf } from '../app/app-process.ts';
import { writeStatus } from '../store/status-file.ts';
import type { StopRequests } from './stop-requests.ts';

/** How long an app has between SIGTERM and SIGKILL. Source: rkt v1.30.0, rkt/stop.go. */
const STOP_TIMEOUT_MS = 90_000;

const SIGTERM = 15;
const SIGKILL = 9;

function signalApp(app: AppProcess, signal: number): void {
  if (app.pid === undefined) return;
  try {
    libc.kill(app.pid, signal);
  } catch (error) {
    if (!isOcicatError(error, 'kernel') || error.errno !== libc.ESRCH) throw error;
  }
}

type Reason = { readonly kind: 'finished' } | { readonly kind: 'asked' } | { readonly kind: 'failed' };

/** Ends the apps that still run: first kindly. `running` shrinks as they end. */
async function stopApps(
  running: ReadonlySet<AppProcess>,
  finished: Promise<Reason>,
  second: Promise<void>,
): Promise<void> {
  for (const app of running) signalApp(app, SIGTERM);
  const timeout = Promise.withResolvers<'late'>();
  const timer = setTimeout(timeout.resolve, STOP_TIMEOUT_MS, 'late');
  const outcome = await Promise.race([finished, timeout.promise, second.then(() => 'late')]);
  clearTimeout(timer);
  if (outcome === 'late') for (const app of running) signalApp(app, SIGKILL);
  await finished;
}

function whenAsked(signal: AbortSignal): Promise<Reason> {
  return new Promise((resolve) => {
    const onAbort = (): void => resolve({ kind: 'asked' });
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
  });
}

/**
 * What an end counts as. rkt counts the apps that it stops because another has failed as fine. Source: rkt v1.30.0,
 * stage1/reaper/reaper.sh.
 */
function countedStatus(end: ChildEnd, stoppedFor: Reason['kind'] | undefined): number {
  const isOurs = stoppedFor === 'failed' && end.kind === 'killed' && end.signal === SIGTERM;
  return isOurs ? 0 : statusOf(end);
}

/**
 * Waits for the pod's end and records each app's status. Returns the pod's: that of the first app that did not end with 0,
 * also when the pod was asked to stop, and then also of one that a signal has killed.
 */
export async function superviseApps(
  podPath: string,
  apps: readonly AppProcess[],
  stops: StopRequests,
): Promise<number> {
  let stoppedFor: Reason['kind'] | undefined;
  let status = 0;
  const running = new Set(apps);
  const failure = Promise.withResolvers<Reason>();
  const recorded = apps.map(async (app) => {
    const own = countedStatus(await app.ended, stoppedFor);
    running.delete(app);
    writeStatus(podPath, app.name, own);
    if (status === 0) status = own;
    if (own !== 0) failure.resolve({ kind: 'failed' });
  });
  const finished = Promise.all(recorded).then((): Reason => ({ kind: 'finished' }));
  const reason = await Promise.race([failure.promise, finished, whenAsked(stops.signal)]);
  stoppedFor = reason.kind;
  if (reason.kind !== 'finished') await stopApps(running, finished, stops.second);
  return status;
}
