// `rkt cat-manifest`

import { flagValue } from '../../cli/flags.ts';
import { chooseDataDir } from '../cli/data-dir.ts';
import { printPodManifest, readPodManifest } from '../store/pod-manifest.ts';
import type { Handler } from './command.ts';
import { namedPod } from './named-pod.ts';

/** Prints the pod's manifest as JSON, indented with tabs unless told otherwise. */
export const catManifest: Handler = async (context, line) => {
  const pod = namedPod(context, chooseDataDir(context), line.operands, flagValue(line, 'uuid-file'));
  const indent = flagValue(line, 'pretty-print') === 'false' ? undefined : '\t';
  context.stdio.stdout(`${printPodManifest(readPodManifest(pod.path), indent)}\n`);
  return 0;
};
