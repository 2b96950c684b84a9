// What the init system is told of the agent: that it is ready, so that what is to start behind it may, and that it ends.
import type { ServiceManager } from './service-manager.ts';

/** An agent whose datastore does not answer holds up the container runtimes behind it for no longer; workloads stay as they are. */
const LATEST_MS = 30_000;

export interface Readiness {
  /** Calls are answered, by what stands in the datastore. May be said again. */
  ready(): void;
  /** It has been told to end, or has failed. */
  ending(): void;
}

export function createReadiness(tell: ServiceManager, latestMs = LATEST_MS): Readiness {
  const late = setTimeout(() => tell('READY=1', 'STATUS=waiting for the datastore'), latestMs);
  let isReady = false;
  return {
    ready() {
      if (isReady) return;
      isReady = true;
      clearTimeout(late);
      tell('READY=1', 'STATUS=in step with the datastore');
    },
    ending() {
      clearTimeout(late);
      tell('STOPPING=1', 'STATUS=');
    },
  };
}
