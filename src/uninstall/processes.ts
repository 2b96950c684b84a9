// Ends what runs: the units of systemd, the agent with its private etcd, and BIRD, which outlives agents.
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { OcicatError } from '../base/errors.ts';
import { askBird } from '../bird/control.ts';
import { observeAgents } from '../ctl/node/agent-process.ts';
import { observeOwnBirds } from '../sys/other-daemons.ts';
import { signalProcess } from '../sys/processes.ts';
import { RUN_DIRECTORY, UNIT_DIRECTORY, UNITS } from './paths.ts';

const TIMEOUT_MS = 15_000;
const POLL_MS = 50;

async function untilNone(observe: () => readonly number[]): Promise<boolean> {
  for (let waitedMs = 0; waitedMs < TIMEOUT_MS; waitedMs += POLL_MS) {
    if (observe().length === 0) return true;
    await Bun.sleep(POLL_MS);
  }
  return false;
}

function systemctl(...args: readonly string[]): void {
  const { exitCode, stderr } = Bun.spawnSync(['systemctl', '--quiet', ...args]);
  if (exitCode !== 0) throw new OcicatError('unavailable', `systemctl ${args.join(' ')}: ${stderr.toString().trim()}`);
}

/** systemd is process 1: sd_booted(3). */
const hasSystemd = () => existsSync('/run/systemd/system');

/** A unit of that name which runs something else is somebody else's. */
function isOwnUnit(name: string): boolean {
  const path = join(UNIT_DIRECTORY, name);
  return (
    existsSync(path) && /^(ExecStart=\/usr\/(lib\/ocicat|bin)\/|Description=rkt: )/m.test(readFileSync(path, 'utf8'))
  );
}

/** One that was stopped in the middle of its work counts as failed, and would be listed although its file is gone. */
function forgetUnits(units: readonly string[]): void {
  Bun.spawnSync(['systemctl', '--quiet', 'reset-failed', ...units]); // refused for those that have not failed
  systemctl('daemon-reload');
}

export async function removeUnits(): Promise<readonly string[]> {
  const units = UNITS.filter(isOwnUnit);
  if (units.length === 0) return [];
  if (hasSystemd()) systemctl('disable', '--now', ...units);
  for (const unit of units) rmSync(join(UNIT_DIRECTORY, unit));
  if (hasSystemd()) forgetUnits(units);
  return units.map((unit) => `removed unit ${unit}`);
}

/** As calico-node ends by itself: its private etcd ends with it. */
export async function endAgents(): Promise<readonly string[]> {
  const pids = observeAgents();
  for (const pid of pids) signalProcess(pid, 'SIGTERM');
  if (!(await untilNone(observeAgents)))
    throw new OcicatError('timeout', 'end calico-node: it still runs; whatever starts it again is to be stopped first');
  return pids.map((pid) => `ended calico-node (process ${pid})`);
}

/** It says goodbye to its peers, which forget this host's routes at once. */
export async function endBird(): Promise<readonly string[]> {
  const pids = observeOwnBirds();
  if (pids.length === 0) return [];
  const asked = await askBird(join(RUN_DIRECTORY, 'bird.ctl'), 'down').then(
    () => true,
    () => false,
  );
  if (!asked || !(await untilNone(observeOwnBirds))) for (const pid of observeOwnBirds()) signalProcess(pid, 'SIGKILL');
  return pids.map((pid) => `ended BIRD (process ${pid})`);
}
