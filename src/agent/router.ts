// Keeps BIRD in step with the cluster: writes its configuration anew when what it follows from has changed.
import { isOcicatError } from '../base/errors.ts';
import { computeBirdConfig } from '../routing/bird-config.ts';
import type { RoutingInput } from '../routing/input.ts';
import type { Bird } from './bird.ts';
import type { Log } from './log.ts';

/** Changes that come this close together make one reload. */
const GATHER_MS = 20;
const RETRY_MS = 2_000;

export interface Router {
  /** The routing input may have changed. */
  touch(): void;
  close(): void;
}

export function createRouter(bird: Bird, observeInput: () => RoutingInput | undefined, log: Log): Router {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let closed = false;

  function later(delayMs: number): void {
    if (timer === undefined && !closed) timer = setTimeout(() => void apply(), delayMs);
  }

  async function apply(): Promise<void> {
    timer = undefined;
    const input = observeInput();
    if (input === undefined || closed) return;
    try {
      const outcome = await bird.apply(computeBirdConfig(input));
      if (outcome === 'reloaded') log.info('BIRD has a new configuration');
    } catch (error) {
      log.error('configure BIRD', error);
      if (!isOcicatError(error, 'invalid')) later(RETRY_MS);
    }
  }

  return {
    touch: () => later(GATHER_MS),
    close() {
      closed = true;
      clearTimeout(timer);
    },
  };
}
