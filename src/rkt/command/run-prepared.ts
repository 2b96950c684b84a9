// `rkt run-prepared`: run a pod that `prepare` has left.
import { OcicatError } from '../../base/errors.ts';
import { requireService } from '../../metadata/client.ts';
import { chooseDataDir } from '../cli/data-dir.ts';
import { parseRuntimeOptions } from '../options/run-flags.ts';
import { runPreparedPod } from '../run/run-prepared-pod.ts';
import { openStopRequests } from '../run/stop-requests.ts';
import { readPodManifest } from '../store/pod-manifest.ts';
import { tryHoldPod } from '../store/pod-store.ts';
import type { Handler } from './command.ts';
import { namedPod } from './named-pod.ts';

/** Exit status: as that of `run`. */
export const runPrepared: Handler = async (context, line) => {
  const options = parseRuntimeOptions(line);
  const dataDir = chooseDataDir(context);
  const pod = namedPod(context, dataDir, line.operands, undefined);
  const notPrepared = new OcicatError('invalid', `pod "${pod.uuid}" is not prepared`);
  if (pod.state !== 'prepared') throw notPrepared;
  if (options.mdsRegister) await requireService();
  const held = tryHoldPod(dataDir, pod);
  if (held === undefined) throw notPrepared;
  return runPreparedPod(context, held, readPodManifest(held.path), options, openStopRequests());
};
