// From a prepared pod to its exit status, whatever its flavour.
import { OcicatError } from '../../base/errors.ts';
import { createUndo } from '../../sys/undo.ts';
import type { Context } from '../cli/context.ts';
import { reportFailure } from '../cli/failure.ts';
import { readFlavour } from '../options/flavour.ts';
import type { RuntimeOptions } from '../options/run-flags.ts';
import type { PodManifest } from '../store/pod-manifest.ts';
import type { HeldPod } from '../store/pod-store.ts';
import type { Start } from './start.ts';
import type { StopRequests } from './stop-requests.ts';

/** Source: rkt v1.30.0, rkt/rkt.go. */
const FAILURE_STATUS = 254;

async function startFlavour(start: Start): Promise<number> {
  if (readFlavour(start.pod.path) === 'fly') {
    const { startFly } = await import('./start-fly.ts');
    return startFly(start);
  }
  const { startPod } = await import('./start-pod.ts');
  return startPod(start);
}

/**
 * Moves a locked pod to `run` and runs it to its end. A pod that cannot be started is reported on standard error and
 * ends with status 254; it stays as an exited pod.
 */
export async function runPreparedPod(
  context: Context,
  prepared: HeldPod,
  manifest: PodManifest,
  options: RuntimeOptions,
  stops: StopRequests,
): Promise<number> {
  if (options.interactive && manifest.apps.length > 1) {
    throw new OcicatError('invalid', 'interactive option only supports pods with one app');
  }
  const pod = prepared.moveTo('run');
  try {
    return await startFlavour({ context, pod, manifest, options, stops, warnings: [], undo: createUndo() });
  } catch (error) {
    reportFailure(context, 'stage1', error);
    return FAILURE_STATUS;
  } finally {
    pod.close();
  }
}
