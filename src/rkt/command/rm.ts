// `rkt rm`
import { OcicatError } from '../../base/errors.ts';
import type { Context } from '../cli/context.ts';
import { chooseDataDir } from '../cli/data-dir.ts';
import { deletePod } from '../run/delete-pod.ts';
import { type HeldPod, type Pod, tryHoldPod } from '../store/pod-store.ts';
import type { Handler } from './command.ts';
import { forEachNamedPod } from './several-pods.ts';

function busy(pod: Pod, doing: string): OcicatError {
  return new OcicatError('invalid', `pod "${pod.uuid}" is currently ${doing}`);
}

function hold(dataDir: string, pod: Pod): HeldPod {
  const held = tryHoldPod(dataDir, pod);
  if (held === undefined) throw busy(pod, 'in use');
  return held;
}

/** Takes the pod out of use, so that it can be deleted. Throws `invalid` for a pod that lives. */
function retire(context: Context, dataDir: string, pod: Pod): HeldPod {
  const logMove = (what: string): void => context.stdio.stderr(`rm: moving ${what} "${pod.uuid}" to garbage\n`);
  switch (pod.state) {
    case 'running':
      throw busy(pod, 'running');
    case 'embryo':
    case 'preparing':
      throw busy(pod, 'being prepared');
    case 'deleting':
    case 'exited deleting':
      throw busy(pod, 'being deleted');
    case 'aborted prepare':
      logMove('failed prepare');
      return hold(dataDir, pod).moveTo('garbage');
    case 'prepared':
      logMove('expired prepared pod');
      return hold(dataDir, pod).moveTo('garbage');
    case 'exited':
      return hold(dataDir, pod).moveTo('exited-garbage');
    case 'exited garbage':
    case 'garbage':
      return hold(dataDir, pod);
  }
}

const STATUS_FAILED = 254;

/** Removes each pod, going on after a failure. */
export const removePods: Handler = async (context, line) => {
  const dataDir = chooseDataDir(context);
  const failures = await forEachNamedPod(context, dataDir, line, async (pod) => {
    const held = retire(context, dataDir, pod);
    try {
      await deletePod(context, held);
    } finally {
      held.close();
    }
    context.stdio.stdout(`"${pod.uuid}"\n`);
  });
  if (failures === 0) return 0;
  context.stdio.stderr('rm: failed to remove one or more pods\n');
  return STATUS_FAILED;
};
