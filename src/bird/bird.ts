// Owns BIRD: its start or taking over, its reloads, and its end.
import { join } from 'node:path';
import { describeError, OcicatError } from '../base/errors.ts';
import type { HeldRoute } from '../routing/bird/held-routes.ts';
import type { RunningProcess } from '../sys/process/running-process.ts';
import { createSupervisor } from '../sys/process/supervisor.ts';
import { createQueue } from '../sys/queue.ts';
import { createConfigFile } from './config-file.ts';
import { askBird } from './control.ts';
import { letGo, observeEarlierRoutes } from './held.ts';
import { type BirdCommand, endEarlier, observeBirds, startBird, tryTakeOver } from './process.ts';
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
  /** Throws `invalid` with BIRD's message when it would refuse this configuration; changes nothing. */
  check(config: string): Promise<void>;
  /**
   * Makes BIRD follow this configuration. Sessions whose part of it is the same stay up.
   * Throws `invalid` with BIRD's message when it refuses the text, which leaves all as it was; `unavailable` when it does
   * not start, in which case it goes on trying. A BIRD that an earlier owner has left is taken over (`reloaded`).
   */
  apply(config: string, signal?: AbortSignal): Promise<'unchanged' | 'reloaded' | 'started'>;
  observeProtocols(signal?: AbortSignal): Promise<readonly BirdProtocol[]>;
  /** A new process in the place of the one that runs, if one does; no route breaks. When it does not start it is tried again. */
  renew(): Promise<void>;
  /** Lets BIRD run on by itself: the next owner takes it over. */
  release(): Promise<void>;
  /** Ends BIRD: peers forget this node's routes at once, the kernel's stay. */
  stop(): Promise<void>;
}

const START_TIMEOUT_MS = 5000;
const POLL_MS = 20;

/** Resolves when BIRD answers; throws `unavailable` when it has ended or is silent for too long. */
async function untilReady({ ended }: RunningProcess, socketPath: string): Promise<void> {
  const deadline = performance.now() + START_TIMEOUT_MS;
  let end: string | undefined;
  void ended.then((how) => {
    end = how;
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
  const configFile = createConfigFile({ runDirectory, program, log });
  const command: BirdCommand = { program, socketPath, configPath: configFile.path, netnsFd };
  const turns = createQueue();
  const supervisor = createSupervisor('BIRD', () => inTurn(restart), log);
  let applied: string | undefined;

  /** One thing at a time, in the order asked for. */
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    return turns.run('bird', work);
  }

  async function restart(): Promise<void> {
    if (supervisor.current() === undefined && applied !== undefined) await start(applied);
  }

  async function start(config: string): Promise<void> {
    supervisor.cancel();
    await endEarlier(command);
    const earlier = observeEarlierRoutes(netnsFd);
    await configFile.replaceHolding(earlier.held, config);
    const bird = startBird(command, earlier.any);
    supervisor.adopt(bird);
    await untilReady(bird, socketPath);
    log(`BIRD runs with process id ${bird.pid}`);
    void letGo(configFile.held(), {
      observeProtocols: async () => (supervisor.current() === bird ? observeBirdProtocols(socketPath) : undefined),
      hold: (routes) => inTurn(() => hold(bird, routes)),
    }).catch((error: unknown) => log(`let go of routes of before: ${describeError(error)}`));
  }

  async function hold(bird: RunningProcess, routes: readonly HeldRoute[]): Promise<void> {
    if (supervisor.current() !== bird || applied === undefined) return;
    await configFile.replaceHolding(routes, applied);
    await askBird(socketPath, 'configure');
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
    supervisor.adopt(bird);
    log(`BIRD goes on with process id ${bird.pid}`);
    return true;
  }

  async function apply(config: string, signal?: AbortSignal): Promise<'unchanged' | 'reloaded' | 'started'> {
    signal?.throwIfAborted();
    if (config === applied && supervisor.current() !== undefined) return 'unchanged';
    await configFile.replace(config);
    const isThere = supervisor.current() !== undefined;
    if (isThere) await askBird(socketPath, 'configure', signal);
    const isNew = !isThere && !(await takeOver());
    if (isNew) await start(config);
    applied = config;
    return isNew ? 'started' : 'reloaded';
  }

  async function renew(): Promise<void> {
    if (supervisor.current() === undefined || applied === undefined) return;
    supervisor.drop();
    await start(applied).catch((error: unknown) => {
      if (supervisor.current() === undefined) supervisor.startLater(describeError(error));
    });
  }

  /** What is not applied any more is not started again. */
  async function release(): Promise<void> {
    applied = undefined;
    supervisor.cancel();
    supervisor.drop();
  }

  async function stop(): Promise<void> {
    await release();
    if (observeBirds(command).length === 0) return;
    await askBird(socketPath, 'down').catch((error: unknown) => log(`end BIRD: ${describeError(error)}`));
    await endEarlier(command);
  }

  return {
    socketPath,
    check: (config) => inTurn(() => configFile.check(config)),
    apply: (config, signal) => inTurn(() => apply(config, signal)),
    observeProtocols: (signal) => observeBirdProtocols(socketPath, signal),
    renew: () => inTurn(renew),
    stop: () => inTurn(stop),
    release: () => inTurn(release),
  };
}
