// `rkt cat-manifest`

import type { Handler } from './commands.ts';
import { chooseDataDir } from './data-dir.ts';
import { lastFlag } from './flags.ts';
import { namedPod } from './named-pod.ts';
import { printPodManifest, readPodManifest } from './pod-manifest.ts';

/** Prints the pod's manifest as JSON, indented with tabs unless told otherwise. */
export const catManifest: Handler = async (context, { uses, rest }) => {
  const pod = namedPod(context, chooseDataDir(context), rest, lastFlag(uses, 'uuid-file'));
  const indent = lastFlag(uses, 'pretty-print') === 'false' ? undefined : '\t';
  context.stdio.stdout(`${printPodManifest(readPodManifest(pod.path), indent)}\n`);
  return 0;
};
