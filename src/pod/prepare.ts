// `rkt prepare`: fetch images and leave a pod that `run-prepared` can run.
import { OcicatError } from '../base/errors.ts';
import type { Handler } from './commands.ts';
import { chooseDataDir } from './data-dir.ts';
import { isSet } from './flags.ts';
import { preparePod } from './prepare-pod.ts';
import { parseFlavour, parsePullPolicy } from './run-flags.ts';
import { openStopRequests } from './stop-requests.ts';

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
