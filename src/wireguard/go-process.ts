// The program that encrypts where the kernel cannot, wireguard-go: one for each device, in a session of its own, so that it outlives
// the agent; what an earlier agent has left is found by its command line, and goes on.
import { readFileSync, rmSync } from 'node:fs';
import { OcicatError } from '../base/errors.ts';
import { followChild, type RunningProcess, tryFollowProcess } from '../sys/process/running-process.ts';
import { observeProcesses } from '../sys/processes.ts';
import { describeMissing, isInstalled, systemEnvironment } from '../sys/programs.ts';
import type { DeviceControl } from './held-device.ts';
import { createUapiControl, makeSocketDirectory, socketPathOf } from './uapi-socket.ts';

const PROGRAM = 'wireguard-go';
const READY_TIMEOUT_MS = 5_000;
const POLL_MS = 10;

/** Those of the calling thread's network namespace. */
function observeWireguardGo(deviceName: string): readonly number[] {
  return observeProcesses((argv) => argv[0]?.endsWith(PROGRAM) === true && argv.at(-1) === deviceName);
}

/** Whoever encrypts for a device of this name, answers or not. */
export function endGo(deviceName: string): void {
  for (const pid of observeWireguardGo(deviceName)) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {} // it has ended meanwhile
  }
}

/** Resolves when it answers. Throws `unavailable` when it has ended, or is silent for too long. */
async function untilReady({ ended }: RunningProcess, control: DeviceControl): Promise<void> {
  let end: string | undefined;
  void ended.then((how) => {
    end = how;
  });
  for (const deadline = performance.now() + READY_TIMEOUT_MS; ; await Bun.sleep(POLL_MS)) {
    const isReady = await control.read().then(
      () => true,
      () => false,
    );
    if (isReady) return;
    if (end !== undefined) throw new OcicatError('unavailable', `start ${PROGRAM}: it ended with ${end}`);
    if (performance.now() > deadline)
      throw new OcicatError('unavailable', `start ${PROGRAM}: no answer within ${READY_TIMEOUT_MS} ms`);
  }
}

function tryReadProgram(path: string | null): Buffer | undefined {
  try {
    return path === null ? undefined : readFileSync(path);
  } catch {
    return undefined; // it has ended, or gone
  }
}

/** Another program than would be started now, wherever that stands: agents that are pods have a root each. */
function isOtherVersion(pid: number): boolean {
  const own = tryReadProgram(Bun.which(PROGRAM));
  const its = tryReadProgram(`/proc/${pid}/exe`);
  return own !== undefined && its !== undefined && !own.equals(its);
}

/** The one that an earlier agent has left, when it answers, and is what would be started now. */
export async function tryTakeOverGo(deviceName: string): Promise<RunningProcess | undefined> {
  const [pid] = observeWireguardGo(deviceName);
  if (pid === undefined || isOtherVersion(pid)) return undefined;
  const answers = await createUapiControl(deviceName)
    .read()
    .then(
      () => true,
      () => false,
    );
  return answers ? tryFollowProcess(pid) : undefined;
}

/** In the foreground, as it would else start another process and end. It says nothing, as who would read it may be gone. What the agent is told is not for it. */
const ENVIRONMENT = { WG_PROCESS_FOREGROUND: '1', LOG_LEVEL: 'silent' };

/**
 * Starts one for a TUN device that is there, and waits until it answers. Whoever was there before and answers no more is ended: the
 * device takes one program at a time. Throws `unavailable`.
 */
export async function startGo(deviceName: string): Promise<RunningProcess> {
  if (!isInstalled(PROGRAM)) throw new OcicatError('unavailable', describeMissing(PROGRAM));
  endGo(deviceName);
  makeSocketDirectory();
  rmSync(socketPathOf(deviceName), { force: true });
  const child = Bun.spawn([PROGRAM, '-f', deviceName], {
    env: { ...systemEnvironment, ...ENVIRONMENT },
    stdio: ['ignore', 'ignore', 'ignore'],
    detached: true,
  });
  const running = followChild(child);
  await untilReady(running, createUapiControl(deviceName));
  return running;
}
