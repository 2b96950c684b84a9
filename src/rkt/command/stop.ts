// `rkt stop`

import { readdirSync, readlinkSync } from 'node:fs';
import { isOcicatError, OcicatError } from '../../base/errors.ts';
import { flagOn } from '../../cli/flags.ts';
import * as libc from '../../sys/libc.ts';
import { chooseDataDir } from '../cli/data-dir.ts';
import type { Pod } from '../store/pod-store.ts';
import type { Handler } from './command.ts';
import { readPodPid } from './pod-view.ts';
import { forEachNamedPod } from './several-pods.ts';

const SIGTERM = 15;
const SIGKILL = 9;

/** Whether the process has the pod's directory open, as whoever stands for the pod does: its number may be another's by now. */
function holdsPod(pid: number, pod: Pod): boolean {
  try {
    const fds = readdirSync(`/proc/${pid}/fd`);
    return fds.some((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`) === pod.path);
  } catch {
    return false;
  }
}

/** Signals the process that stands for the pod, and no other. False if there is none any more. */
function signalPod(pod: Pod, signal: number): boolean {
  const pid = readPodPid(pod.path);
  if (pid === undefined) return false;
  try {
    const pidfd = libc.pidfdOpen(pid);
    try {
      if (!holdsPod(pid, pod)) return false;
      libc.pidfdSendSignal(pidfd, signal);
      return true;
    } finally {
      libc.close(pidfd);
    }
  } catch (error) {
    if (isOcicatError(error, 'kernel') && error.errno === libc.ESRCH) return false;
    throw error;
  }
}

const STATUS_FAILED = 254;

/** Asks the pods to stop, or with `--force` kills them, and does not wait for their end. */
export const stopPods: Handler = async (context, line) => {
  const signal = flagOn(line, 'force') ? SIGKILL : SIGTERM;
  const failures = await forEachNamedPod(context, chooseDataDir(context), line, async (pod) => {
    if (['preparing', 'aborted prepare', 'prepared'].includes(pod.state)) {
      throw new OcicatError('invalid', `pod "${pod.uuid}" is not running`);
    }
    if (pod.state !== 'running') {
      context.stdio.stdout(`pod "${pod.uuid}" is already stopped\n`);
      return;
    }
    if (!signalPod(pod, signal))
      throw new OcicatError('unavailable', `stop pod "${pod.uuid}": it has not started its apps yet, or is ending`);
    context.stdio.stdout(`"${pod.uuid}"\n`);
  });
  if (failures === 0) return 0;
  context.stdio.stderr(`stop: failed to stop ${failures} pod(s)\n`);
  return STATUS_FAILED;
};
