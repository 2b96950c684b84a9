// Owns BIRD: its configuration file, its start or taking over, its reloads, and its death.
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describeError, isOcicatError, OcicatError } from '../base/errors.ts';
import { type HeldRoute, printHeldRoutes } from '../routing/held-routes.ts';
import { askBird } from './control.ts';
import { letGo, observeEarlierRoutes } from './held.ts';
import {
  type BirdCommand,
  endEarlier,
  observeBirds,
  type RunningBird,
  spawnBird,
  startBird,
  tryTakeOver,
} from './process.ts';
import { type BirdProtocol, observeBirdProtocols } from './protocols.ts';

export interface BirdOptions {
  /** Holds bird.ctl, where `calicoctl node status` looks for it, and bird.cfg. Made if it is not there. */
  readonly runDirectory: string;
  /** Default: `bird`, from the path. */
  readonly program?: string;
  /** The network namespace that BIRD works in; default: the calling thread's. */
  readonly netnsFd?: number;
  /** What happens to the process, for the log. BIRD's own log goes to this process's standard error. */
  readonly log: (message: string) => void;
}

export interface Bird {
  readonly socketPath: string;
  /** Throws `invalid` with BIRD's words when it would refuse this configuration; changes nothing. */
  check(config: string): Promise<void>;
  /**
   * Makes BIRD follow this configuration. Sessions whose part of it is the same stay up.
   * Throws `invalid` with BIRD's words when it refuses the text, which leaves all as it was; `unavailable` when it does
   * not start, in which case it goes on trying. A BIRD that an earlier owner has left is taken over (`reloaded`).
   */
  apply(config: string, signal?: AbortSignal): Promise<'unchanged' | 'reloaded' | 'started'>;
  observeProtocols(signal?: AbortSignal): Promise<readonly BirdProtocol[]>;
  /** A new process in the place of the one that runs, if one does; no route breaks. When it does not start it is tried again. */
  renew(): Promise<void>;
  /** Lets BIRD run on by itself: the next owner takes it over. */
  release(): Promise<void>;
  /** Ends BIRD: peers forget this node's routes at once, the kernel's stay. */
  leave(): Promise<void>;
}

const START_TIMEOUT_MS = 5000;
const POLL_MS = 20;
/** Wait before a new start after a death: doubled from death to death, forgotten after a minute of life. */
const FIRST_BACKOFF_MS = 500;
const LAST_BACKOFF_MS = 30_000;
const STEADY_MS = 60_000;

async function checkConfig(program: string, path: string): Promise<void> {
  const check = spawnBird(program, ['-p', '-c', path], 'pipe');
  const words = check.stderr instanceof ReadableStream ? new Response(check.stderr).text() : '';
  const status = await check.exited;
  if (status !== 0) throw new OcicatError('invalid', `check BIRD configuration "${path}": ${(await words).trim()}`);
}

/** Resolves when BIRD answers; throws `unavailable` when it has ended or is silent for too long. */
async function untilReady({ ended }: RunningBird, socketPath: string): Promise<void> {
  const deadline = performance.now() + START_TIMEOUT_MS;
  let end: string | undefined;
  void ended.then((words) => {
    end = words;
  });
  for (;;) {
    try {
      await askBird(socketPath, 'show status');
      return;
    } catch (cause) {
      if (end !== undefined) throw new OcicatError('unavailable', `start BIRD: it ended with ${end}`, { cause });
      if (performance.now() > deadline)
        throw new OcicatError('unavailable', `start BIRD: no answer within ${START_TIMEOUT_MS} ms`, { cause });
    }
    await Bun.sleep(POLL_MS);
  }
}

/** Nothing is touched before the first apply, which takes over what runs or starts one. One owner at a time. */
export function openBird(options: BirdOptions): Bird {
  const { runDirectory, program = 'bird', netnsFd, log } = options;
  const socketPath = join(runDirectory, 'bird.ctl');
  const configPath = join(runDirectory, 'bird.cfg');
  const draftPath = `${configPath}.new`;
  const command: BirdCommand = { program, socketPath, configPath, netnsFd };
  let running: RunningBird | undefined;
  let applied: string | undefined;
  /** Since the start of the BIRD that runs. */
  let held: readonly HeldRoute[] = [];
  let stopped = false;
  let backoffMs = FIRST_BACKOFF_MS;
  let retry: ReturnType<typeof setTimeout> | undefined;
  let turn: Promise<unknown> = Promise.resolve();

  /** One thing at a time, in the order asked for. */
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = turn.then(work, work);
    turn = result.catch(() => undefined);
    return result;
  }

  function onEnd(ended: RunningBird, words: string, startedMs: number): void {
    if (running !== ended) return;
    running = undefined;
    ended.release();
    if (stopped) return;
    if (performance.now() - startedMs > STEADY_MS) backoffMs = FIRST_BACKOFF_MS;
    startLater(`BIRD ended (${words})`);
  }

  function startLater(why: string): void {
    log(`${why}, starting it again in ${backoffMs} ms`);
    retry = setTimeout(() => void inTurn(restart).catch((error: unknown) => log(describeError(error))), backoffMs);
    backoffMs = Math.min(backoffMs * 2, LAST_BACKOFF_MS);
  }

  function lookAfter(bird: RunningBird): void {
    const startedMs = performance.now();
    running = bird;
    void bird.ended.then((words) => onEnd(bird, words, startedMs));
  }

  async function restart(): Promise<void> {
    if (!stopped && running === undefined && applied !== undefined) await start(applied);
  }

  async function start(config: string): Promise<void> {
    clearTimeout(retry);
    await endEarlier(command);
    const earlier = observeEarlierRoutes(netnsFd);
    await writeWith(earlier.held, config);
    const bird = startBird(command, earlier.any);
    lookAfter(bird);
    await untilReady(bird, socketPath);
    log(`BIRD runs with process id ${bird.pid}`);
    void letGo(held, {
      observeProtocols: async () => (running === bird ? observeBirdProtocols(socketPath) : undefined),
      hold: (routes) => inTurn(() => hold(bird, routes)),
    }).catch((error: unknown) => log(`let go of routes of before: ${describeError(error)}`));
  }

  /** Without them, where BIRD cannot take one: it must start. */
  async function writeWith(routes: readonly HeldRoute[], config: string): Promise<void> {
    held = routes;
    try {
      await writeConfig(config);
    } catch (error) {
      if (routes.length === 0 || !isOcicatError(error, 'invalid')) throw error;
      log(`hold routes of before: ${describeError(error)}`);
      await writeWith([], config);
    }
  }

  async function hold(bird: RunningBird, routes: readonly HeldRoute[]): Promise<void> {
    if (running !== bird || applied === undefined) return;
    await writeWith(routes, applied);
    await askBird(socketPath, 'configure');
  }

  function writeDraft(config: string): void {
    try {
      mkdirSync(runDirectory, { recursive: true });
      writeFileSync(draftPath, config);
    } catch (cause) {
      throw new OcicatError('unavailable', `write "${draftPath}": it cannot be written`, { cause });
    }
  }

  async function check(config: string): Promise<void> {
    writeDraft(config);
    await checkConfig(program, draftPath);
  }

  async function writeConfig(config: string): Promise<void> {
    await check(`${config}${printHeldRoutes(held)}`);
    renameSync(draftPath, configPath);
  }

  /** With the configuration that stands. False when there is none, or it does not take it: then a new one is started. */
  async function takeOver(): Promise<boolean> {
    const bird = await tryTakeOver(command);
    if (bird === undefined) return false;
    try {
      await askBird(socketPath, 'configure');
    } catch (error) {
      log(`take over BIRD: ${describeError(error)}; starting another`);
      bird.release();
      return false;
    }
    lookAfter(bird);
    log(`BIRD goes on with process id ${bird.pid}`);
    return true;
  }

  async function apply(config: string, signal?: AbortSignal): Promise<'unchanged' | 'reloaded' | 'started'> {
    signal?.throwIfAborted();
    if (config === applied && running !== undefined) return 'unchanged';
    await writeConfig(config);
    stopped = false;
    const isThere = running !== undefined;
    if (isThere) await askBird(socketPath, 'configure', signal);
    const isNew = !isThere && !(await takeOver());
    if (isNew) await start(config);
    applied = config;
    return isNew ? 'started' : 'reloaded';
  }

  async function renew(): Promise<void> {
    if (running === undefined || applied === undefined) return;
    running.release();
    running = undefined;
    await start(applied).catch((error: unknown) => {
      if (running === undefined) startLater(describeError(error));
    });
  }

  async function leave(): Promise<void> {
    release();
    if (observeBirds(command).length === 0) return;
    await askBird(socketPath, 'down').catch((error: unknown) => log(`end BIRD: ${describeError(error)}`));
    await endEarlier(command);
  }

  function release(): void {
    stopped = true;
    clearTimeout(retry);
    running?.release();
    running = undefined;
  }

  return {
    socketPath,
    check: (config) => inTurn(() => check(config)),
    apply: (config, signal) => inTurn(() => apply(config, signal)),
    observeProtocols: (signal) => observeBirdProtocols(socketPath, signal),
    renew: () => inTurn(renew),
    leave: () => inTurn(leave),
    release: () => inTurn(async () => release()),
  };
}
