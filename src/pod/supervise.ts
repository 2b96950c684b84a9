// Watching over a pod's apps until all have finished, one has failed, or the pod is asked to stop.
import { isOcicatError } from '../base/errors.ts';
import * as libc from '../sys/libc.ts';
import { type AppProcess, statusOf } from './app-process.ts';
import { writeStatus } from './status-file.ts';

/** How long an app has between SIGTERM and SIGKILL. Source: facts §3.4. */
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

export interface StopRequests {
  /** Fires at the first request to stop. */
  readonly signal: AbortSignal;
  /** Resolves at the second: the sender has lost patience. */
  readonly second: Promise<void>;
  close(): void;
}

const STOP_SIGNALS: readonly NodeJS.Signals[] = ['SIGTERM', 'SIGINT', 'SIGHUP'];

/** Takes charge of the signals that ask a program to end. */
export function openStopRequests(): StopRequests {
  let count = 0;
  const first = new AbortController();
  const second = Promise.withResolvers<void>();
  const hear = (): void => {
    count += 1;
    if (count === 1) first.abort();
    else second.resolve();
  };
  for (const signal of STOP_SIGNALS) process.on(signal, hear);
  return {
    signal: first.signal,
    second: second.promise,
    close() {
      for (const signal of STOP_SIGNALS) process.off(signal, hear);
    },
  };
}

type Reason =
  | { readonly kind: 'finished' }
  | { readonly kind: 'asked' }
  | { readonly kind: 'failed'; readonly status: number };

/** Ends the apps that still run: first kindly. `running` shrinks as they end. */
async function stopApps(
  running: ReadonlySet<AppProcess>,
  finished: Promise<Reason>,
  impatient: Promise<void>,
): Promise<void> {
  for (const app of running) signalApp(app, SIGTERM);
  const timeout = Promise.withResolvers<'late'>();
  const timer = setTimeout(timeout.resolve, STOP_TIMEOUT_MS, 'late');
  const outcome = await Promise.race([finished, timeout.promise, impatient.then(() => 'late')]);
  clearTimeout(timer);
  if (outcome === 'late') for (const app of running) signalApp(app, SIGKILL);
  await finished;
}

function whenAsked(signal: AbortSignal): Promise<Reason> {
  return new Promise((resolve) => {
    const hear = (): void => resolve({ kind: 'asked' });
    if (signal.aborted) hear();
    else signal.addEventListener('abort', hear, { once: true });
  });
}

/**
 * Waits for the pod's end and records each app's status. Returns the pod's: 0 when all went well or the pod was asked to
 * stop, else the status of the first app that failed. An app that a signal of this stop has killed counts as 0.
 */
export async function superviseApps(
  podPath: string,
  apps: readonly AppProcess[],
  stops: StopRequests,
): Promise<number> {
  let stopping = false;
  const running = new Set(apps);
  const failure = Promise.withResolvers<Reason>();
  const recorded = apps.map(async (app) => {
    const end = await app.ended;
    running.delete(app);
    const status = stopping && end.kind === 'killed' ? 0 : statusOf(end);
    writeStatus(podPath, app.name, status);
    if (status !== 0) failure.resolve({ kind: 'failed', status });
  });
  const finished = Promise.all(recorded).then((): Reason => ({ kind: 'finished' }));
  const reason = await Promise.race([failure.promise, finished, whenAsked(stops.signal)]);
  stopping = true;
  if (reason.kind !== 'finished') await stopApps(running, finished, stops.second);
  return reason.kind === 'failed' ? reason.status : 0;
}
