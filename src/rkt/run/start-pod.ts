// Running a prepared pod in namespaces of its own, from its network to its apps' end.
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describeError, OcicatError } from '../../base/errors.ts';
import { isErrno } from '../../sys/errno.ts';
import { openReaper, type Reaper } from '../app/reaper.ts';
import type { JoinedNetworks } from '../network/networks.ts';
import { removePodCgroups } from './cgroups.ts';
import { openConsole } from './console-pipe.ts';
import { writeEtcFiles } from './etc-files.ts';
import { registerPod, unregisterPod } from './register-pod.ts';
import { openSandbox, type Sandbox } from './sandbox.ts';
import { hasOwnIpc, hostnameOf, type Start, warnStart } from './start.ts';
import { type MountedApps, readyApps, startApps, writeBundles } from './start-apps.ts';
import { chooseNetworks, joinNetworks, makeNetns } from './start-network.ts';
import { superviseApps } from './supervise.ts';

/** A pod that only waits for its apps to be started. */
interface PodSetup {
  readonly sandbox: Sandbox;
  readonly netns: string | undefined;
  readonly joined: JoinedNetworks;
  readonly mounted: MountedApps;
}

async function makeSandbox(start: Start, netns: string | undefined): Promise<Sandbox> {
  const { undo } = start;
  const sandbox = await openSandbox({ hostname: hostnameOf(start), ownIpc: hasOwnIpc(start), netns });
  undo.push('sandbox', sandbox.close);
  return sandbox;
}

function settled<T>(outcome: PromiseSettledResult<T>): T {
  if (outcome.status === 'rejected') throw outcome.reason;
  return outcome.value;
}

/** Sandbox, networks and root file systems, all at once: while the processes of the first two work, this one mounts. */
async function setUpPod(start: Start): Promise<PodSetup> {
  const networks = chooseNetworks(start);
  const netns = makeNetns(start);
  const [sandbox, joined, mounted] = await Promise.allSettled([
    makeSandbox(start, netns),
    joinNetworks(start, networks),
    Promise.resolve().then(() => readyApps(start)),
  ]);
  return { netns, joined: settled(joined), sandbox: settled(sandbox), mounted: settled(mounted) };
}

/** From here on the pod counts as started. */
function recordStart(start: Start): void {
  const path = join(start.pod.path, 'ppid');
  start.undo.push('start time', () => rmSync(path, { force: true }));
  writeFileSync(path, String(process.pid));
}

/** A process that has ended may be counted in its group for some milliseconds more. */
const GROUP_ATTEMPTS = 40;
const GROUP_PAUSE_MS = 5;

/** What cannot be removed now is removed with the pod. */
async function dropGroups(start: Start, remove: () => void): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return remove();
    } catch (error) {
      if (attempt === GROUP_ATTEMPTS || !isErrno(error, 'EBUSY'))
        return warnStart(start, `warning: ${describeError(error)}`);
      await Bun.sleep(GROUP_PAUSE_MS);
    }
  }
}

async function runApps(start: Start, setup: PodSetup, reaper: Reaper): Promise<number> {
  const console = await openConsole(start.pod.path, (line) => warnStart(start, line));
  const etc = writeEtcFiles(start, setup.joined.dns);
  const metadataUrl = await registerPod(start, setup.joined.networks);
  writeBundles(start, setup.mounted, { sandbox: setup.sandbox, network: setup.netns, etc, metadataUrl });
  if (start.stops.signal.aborted) throw new OcicatError('aborted', 'asked to stop before the apps were started');
  recordStart(start);
  for (const line of start.warnings) warnStart(start, line);
  const processes = await startApps(start, setup.mounted, console, reaper);
  writeFileSync(join(start.pod.path, 'ready'), '');
  const status = await superviseApps(start.pod.path, processes, start.stops);
  await unregisterPod(start.pod);
  await setup.sandbox.close();
  await dropGroups(start, setup.mounted.groups.remove);
  await console.drained(start.stops.signal);
  return status;
}

/**
 * Runs the pod to its end and returns its exit status. Its networks stay until it is removed. When it cannot be started,
 * everything that was made for it is undone, and the reason is thrown.
 */
export async function startPod(start: Start): Promise<number> {
  const reaper = openReaper();
  try {
    return await runApps(start, await setUpPod(start), reaper);
  } catch (error) {
    for (const failure of await start.undo.run()) warnStart(start, describeError(failure));
    await dropGroups(start, () => removePodCgroups(start.pod.uuid));
    throw error;
  } finally {
    reaper.close();
  }
}
