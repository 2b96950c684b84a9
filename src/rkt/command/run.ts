// `rkt run`: fetch, prepare and run a pod in the foreground.

import { OcicatError } from '../../base/errors.ts';
import { flagOn, flagValue } from '../../cli/flags.ts';
import { requireService } from '../../metadata/client.ts';
import { replaceFile } from '../../sys/replace-file.ts';
import { chooseDataDir } from '../cli/data-dir.ts';
import { parseFlavour, parsePullPolicy, parseRuntimeOptions } from '../options/run-flags.ts';
import { preparePod } from '../run/prepare-pod.ts';
import { runPreparedPod } from '../run/run-prepared-pod.ts';
import { openStopRequests } from '../run/stop-requests.ts';
import type { Handler } from './command.ts';

/** Exit status: that of the first app that fails, 0 when none does or the pod was asked to stop. */
export const run: Handler = async (context, line) => {
  const { apps } = line;
  const warn = (text: string): void => context.stdio.stderr(`${text}\n`);
  const policy = parsePullPolicy(line, 'new', warn);
  const flavour = parseFlavour(line);
  const options = parseRuntimeOptions(line);
  if (flagOn(line, 'interactive') && apps.length > 1) {
    throw new OcicatError('invalid', 'interactive option only supports one image');
  }
  if (apps.length === 0) throw new OcicatError('invalid', 'must provide at least one image');
  if (options.mdsRegister) await requireService();
  const uuid = crypto.randomUUID();
  const uuidFile = flagValue(line, 'uuid-file-save') ?? '';
  const stops = openStopRequests();
  const request = { uuid, arguments: line, policy, flavour, quiet: false, signal: stops.signal };
  const { pod, manifest } = await preparePod(context, chooseDataDir(context), request, () => {
    if (uuidFile !== '') replaceFile(uuidFile, uuid, 0o644);
  });
  return runPreparedPod(context, pod, manifest, options, stops);
};
