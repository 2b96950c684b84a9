// `rkt prepare`: fetch images and leave a pod that `run-prepared` can run.
import { OcicatError } from '../../base/errors.ts';
import { chooseDataDir } from '../cli/data-dir.ts';
import { isSet } from '../cli/flags.ts';
import { parseFlavour, parsePullPolicy } from '../options/run-flags.ts';
import { preparePod } from '../run/prepare-pod.ts';
import { openStopRequests } from '../run/stop-requests.ts';
import type { Handler } from './command.ts';

/** Prints the pod's UUID. */
export const prepare: Handler = async (context, words) => {
  const { uses, apps, mounts } = words;
  const quiet = isSet(uses, 'quiet');
  const policy = parsePullPolicy(uses, 'new', (line) => (quiet ? undefined : context.stdio.stderr(`${line}\n`)));
  const flavour = parseFlavour(uses);
  if (apps.length === 0) throw new OcicatError('invalid', 'must provide at least one image');
  const uuid = crypto.randomUUID();
  const { signal } = openStopRequests();
  const request = { uuid, arguments: { uses, apps, mounts }, policy, flavour, quiet, signal };
  const { pod } = await preparePod(context, chooseDataDir(context), request);
  pod.moveTo('prepared').close();
  context.stdio.stdout(`${uuid}\n`);
  return 0;
};
