// Keeps BIRD in step with the cluster: writes its configuration anew when what it follows from has changed, without the
// resources that BIRD refuses.
import { isOcicatError } from '../../base/errors.ts';
import type { Bird } from '../../bird/bird.ts';
import { findRefused } from '../../bird/refused.ts';
import { computeBirdConfig } from '../../routing/bird/config.ts';
import { findClosedPeers } from '../../routing/closed-peers.ts';
import type { RoutingInput } from '../../routing/input.ts';
import { partsOf, withoutParts } from '../../routing/parts.ts';
import type { Log } from '../../sys/log.ts';

/** Changes that come this close together make one reload. */
const GATHER_MS = 20;
const RETRY_MS = 2_000;

export interface RouterNotes {
  /** The resources that BIRD refuses, with its reason for each. */
  readonly leftOut: ReadonlyMap<string, string>;
  /** A line each: the peers that are closed for want of a filter or a password. */
  readonly closed: readonly string[];
}

export interface Router {
  /** The routing input may have changed. */
  touch(): void;
  notes(): RouterNotes;
  close(): void;
}

type LeftOut = ReadonlyMap<string, string>;
const NOTHING: LeftOut = new Map();

function printConfig(input: RoutingInput, leftOut: LeftOut): string {
  return computeBirdConfig(withoutParts(input, new Set(leftOut.keys())), leftOut);
}

/** What stands behind the place in the file, which is gone when somebody reads it. */
function reasonOf(message: string): string {
  return message.replace(/^.*:\d+:\d+ /s, '');
}

/** Undefined when the work is done, else what BIRD refuses in it. Throws other failures. */
async function tryRefusal(work: () => Promise<unknown>): Promise<string | undefined> {
  try {
    await work();
    return undefined;
  } catch (error) {
    if (isOcicatError(error, 'invalid')) return reasonOf(error.message);
    throw error;
  }
}

export function createRouter(bird: Bird, observeInput: () => RoutingInput | undefined, log: Log): Router {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let closed = false;
  let leftOut = NOTHING;
  let closedPeers: readonly string[] = [];

  function later(delayMs: number): void {
    if (timer === undefined && !closed) timer = setTimeout(() => void apply(), delayMs);
  }

  function logLeftOut(now: LeftOut): void {
    for (const [part, reason] of now)
      if (leftOut.get(part) !== reason) log.error(`${part} is left out of BIRD's configuration: ${reason}`);
    for (const part of leftOut.keys()) if (!now.has(part)) log.info(`${part} is no longer left out`);
    leftOut = now;
  }

  function logClosed(now: readonly string[]): void {
    for (const reason of now.filter((one) => !closedPeers.includes(one)))
      log.error(`${reason}: nothing is sent to the peer or taken from it`);
    for (const reason of closedPeers.filter((one) => !now.includes(one))) log.info(`no longer: ${reason}`);
    closedPeers = now;
  }

  async function load(input: RoutingInput, without: LeftOut): Promise<void> {
    const outcome = await bird.apply(printConfig(input, without));
    if (outcome === 'reloaded') log.info('BIRD has a new configuration');
    logLeftOut(without);
    logClosed(findClosedPeers(withoutParts(input, new Set(without.keys()))));
  }

  /** As a whole, or without what BIRD refuses. */
  async function configure(input: RoutingInput): Promise<void> {
    if ((await tryRefusal(() => load(input, NOTHING))) === undefined) return;
    const refused = await findRefused(partsOf(input), new Set(leftOut.keys()), (names) =>
      tryRefusal(async () => bird.check(computeBirdConfig(withoutParts(input, names)))),
    );
    await load(input, refused);
  }

  async function apply(): Promise<void> {
    timer = undefined;
    try {
      const input = observeInput();
      if (input !== undefined && !closed) await configure(input);
    } catch (error) {
      log.error('configure BIRD', error);
      if (!isOcicatError(error, 'invalid')) later(RETRY_MS);
    }
  }

  return {
    touch: () => later(GATHER_MS),
    notes: () => ({ leftOut, closed: closedPeers }),
    close() {
      closed = true;
      clearTimeout(timer);
    },
  };
}
