// Ends what runs: the units of systemd, the agent with its private etcd, and BIRD, which outlives agents.
import { existsSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { OcicatError } from '../base/errors.ts';
import { askBird } from '../bird/control.ts';
import { observeAgents } from '../ctl/node/agent-process.ts';
import { INSTALL_ROOT, UNITS } from '../install/layout.ts';
import { isOwn, observePlaces, type Place } from '../install/places.ts';
import { observeOwnBirds } from '../sys/other-daemons.ts';
import { signalProcess } from '../sys/processes.ts';
import { RUN_DIRECTORY } from './paths.ts';

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

/** One that was stopped in the middle of its work counts as failed, and would be listed although its file is gone. */
function forgetUnits(units: readonly string[]): void {
  Bun.spawnSync(['systemctl', '--quiet', 'reset-failed', ...units]); // refused for those that have not failed
  systemctl('daemon-reload');
}

const unitPlaces = (): readonly Place[] => observePlaces(INSTALL_ROOT).filter(({ manner }) => manner === 'copy');

/** Those of a package stay where they are, and are started again with the host. */
export function stopUnits(): readonly string[] {
  if (!hasSystemd()) return [];
  const { stdout } = Bun.spawnSync([
    'systemctl',
    'list-units',
    '--plain',
    '--no-legend',
    '--state=active,activating,failed',
    ...UNITS,
  ]);
  const units = stdout.toString().match(/^\S+/gm) ?? [];
  if (units.length > 0) systemctl('stop', ...units);
  return units.map((unit) => `stopped unit ${unit}`);
}

export function removeUnits(): readonly string[] {
  for (const { path } of unitPlaces()) rmSync(`${path}.new`, { force: true });
  const places = unitPlaces().filter((place) => existsSync(place.path) && isOwn(place));
  const units = places.map(({ path }) => basename(path));
  if (units.length === 0) return [];
  if (hasSystemd()) systemctl('disable', '--now', ...units);
  for (const { path } of places) rmSync(path);
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
