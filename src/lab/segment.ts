// The machine room of a lab: its outermost namespaces, a tmpfs to keep all its files in, and the segments.
import { readFileSync } from 'node:fs';
import { OcicatError } from '../base/errors.ts';
import { kill } from '../sys/libc.ts';
import { type ProcessIdentity, tryIdentify } from '../sys/processes.ts';
import { mustRunInside } from './enter.ts';
import type { LabPlan } from './plan.ts';
import { LAB_FILES, PLAN_FILE } from './plan-file.ts';
import { printSegmentsScript } from './underlay.ts';

/** The init program of the lab and of its hosts: reaps orphans and does nothing else. */
export const INIT_COMMAND = ['catatonit', '-P'] as const;

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return '';
  }
}

/** The first descendant (or the process itself) that has become the init program. */
function findInit(pid: number): number | undefined {
  if (read(`/proc/${pid}/comm`) === INIT_COMMAND[0]) return pid;
  for (const child of read(`/proc/${pid}/task/${pid}/children`).split(' ')) {
    const init = child === '' ? undefined : findInit(Number(child));
    if (init !== undefined) return init;
  }
  return undefined;
}

async function waitForInit(launcher: Bun.Subprocess<'ignore', 'ignore', 'pipe'>): Promise<ProcessIdentity> {
  for (let tries = 0; tries < 5_000 && launcher.exitCode === null; tries++) {
    const pid = findInit(launcher.pid);
    const init = pid === undefined ? undefined : tryIdentify(pid);
    if (init !== undefined) return init;
    await Bun.sleep(2);
  }
  launcher.kill('SIGKILL');
  const reason =
    launcher.exitCode === null ? 'its first process did not appear' : await new Response(launcher.stderr).text();
  throw new OcicatError('internal', `start namespaces: ${reason.trim()}`);
}

/**
 * New namespaces of every kind but user, with `command` as process 1, which becomes INIT_COMMAND when it is ready; when
 * it ends all processes in them end, and with them the mounts and links. Returns process 1 as this process sees it.
 */
export async function startNamespaces(entry: readonly string[], command: readonly string[]): Promise<ProcessIdentity> {
  const flags = [
    '--mount',
    '--uts',
    '--ipc',
    '--net',
    '--pid',
    '--cgroup',
    '--fork',
    '--kill-child=KILL',
    '--propagation=private',
  ];
  const launcher = Bun.spawn([...entry, 'setsid', 'unshare', ...flags, '--mount-proc', '--', ...command], {
    stdio: ['ignore', 'ignore', 'pipe'],
    cwd: '/',
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
  });
  launcher.unref();
  return waitForInit(launcher);
}

/** The lab's outermost process, its tmpfs at LAB_FILES with the plan, and the segments with the router's addresses. */
export async function startSegments(plan: LabPlan): Promise<ProcessIdentity> {
  const init = await startNamespaces([], INIT_COMMAND);
  try {
    await furnish(init, plan);
    return init;
  } catch (error) {
    kill(init.pid, 9);
    throw error;
  }
}

/** The tmpfs is named after the lab, so that the mounts of any process in it say whose it is. */
async function furnish(init: ProcessIdentity, plan: LabPlan): Promise<void> {
  const script = `set -e
    mount -t tmpfs -o mode=0755 ocicat-lab-${plan.name} ${LAB_FILES}
    mkdir ${LAB_FILES}/etcd ${LAB_FILES}/registry ${LAB_FILES}/hosts
    cat >${PLAN_FILE}`;
  await mustRunInside(init, ['/bin/sh', '-c', script], `${JSON.stringify(plan, undefined, 2)}\n`);
  await mustRunInside(init, ['/bin/sh', '-c', printSegmentsScript(plan)]);
}
