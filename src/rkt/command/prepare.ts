// `rkt prepare`: fetch images and leave a pod that `run-prepared` can run.

import { OcicatError } from '../../base/errors.ts';
import { flagOn } from '../../cli/flags.ts';
import { chooseDataDir } from '../cli/data-dir.ts';
import { parseFlavour, parsePullPolicy } from '../options/run-flags.ts';
import { preparePod } from '../run/prepare-pod.ts';
import { openStopRequests } from '../run/stop-requests.ts';
import type { Handler } from './command.ts';

/** Prints the pod's UUID. */
export const prepare: Handler = async (context, line) => {
  const quiet = flagOn(line, 'quiet');
  const policy = parsePullPolicy(line, 'new', (text) => (quiet ? undefined : context.stdio.stderr(`${text}\n`)));
  const flavour = parseFlavour(line);
  if (line.apps.length === 0) throw new OcicatError('invalid', 'must provide at least one image');
  const uuid = crypto.randomUUID();
  const { signal } = openStopRequests();
  const request = { uuid, arguments: line, policy, flavour, quiet, signal };
  const { pod } = await preparePod(context, chooseDataDir(context), request);
  pod.moveTo('prepared').close();
  context.stdio.stdout(`${uuid}\n`);
  return 0;
};
