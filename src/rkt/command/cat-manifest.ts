// `rkt cat-manifest`

import { chooseDataDir } from '../cli/data-dir.ts';
import { lastFlag } from '../cli/flags.ts';
import { printPodManifest, readPodManifest } from '../store/pod-manifest.ts';
import type { Handler } from './command.ts';
import { namedPod } from './named-pod.ts';

/** Prints the pod's manifest as JSON, indented with tabs unless told otherwise. */
export const catManifest: Handler = async (context, { uses, rest }) => {
  const pod = namedPod(context, chooseDataDir(context), rest, lastFlag(uses, 'uuid-file'));
  const indent = lastFlag(uses, 'pretty-print') === 'false' ? undefined : '\t';
  context.stdio.stdout(`${printPodManifest(readPodManifest(pod.path), indent)}\n`);
  return 0;
};
