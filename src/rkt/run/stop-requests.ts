// The signals that ask a pod to end: from `rkt stop`, a terminal, an init system, or a connection that is gone.
import { readFileSync } from 'node:fs';
import { constants } from 'node:os';

export interface StopRequests {
  /** Fires at the first request to stop. */
  readonly signal: AbortSignal;
  /** Resolves at a second request, which asks to stop at once. */
  readonly second: Promise<void>;
  close(): void;
}

const STOP_SIGNALS: readonly NodeJS.Signals[] = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT'];

/**
 * One request may come several times: from the terminal, and from a shell, sudo or init system that passes it on. Only
 * what comes later is a second request; a hang-up never is, as nobody is there any more.
 */
const ECHO_MS = 1000;

/** Signals that this process was started with as ignored, as by nohup(1) or in the background of a script. */
function ignoredSignals(): ReadonlySet<NodeJS.Signals> {
  const hex = /^SigIgn:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0';
  const bits = BigInt(`0x${hex}`);
  return new Set(STOP_SIGNALS.filter((name) => ((bits >> BigInt(constants.signals[name] - 1)) & 1n) === 1n));
}

/** Takes charge of the signals that ask a program to end, except those that the caller wants ignored. */
export function openStopRequests(): StopRequests {
  const first = new AbortController();
  const second = Promise.withResolvers<void>();
  let firstMs = 0;
  const onSignal = (name: NodeJS.Signals): void => {
    if (!first.signal.aborted) {
      firstMs = performance.now();
      first.abort();
    } else if (name !== 'SIGHUP' && performance.now() - firstMs > ECHO_MS) second.resolve();
  };
  const ignored = ignoredSignals();
  const handled = STOP_SIGNALS.filter((name) => name === 'SIGTERM' || !ignored.has(name));
  for (const name of handled) process.on(name, onSignal);
  return {
    signal: first.signal,
    second: second.promise,
    close() {
      for (const name of handled) process.off(name, onSignal);
    },
  };
}
