// `rkt fetch`

import { OcicatError } from '../../base/errors.ts';
import { flagOn } from '../../cli/flags.ts';
import { chooseDataDir } from '../cli/data-dir.ts';
import { parsePullPolicy } from '../options/run-flags.ts';
import { openImages, resolveImage } from '../run/image-source.ts';
import { openStopRequests } from '../run/stop-requests.ts';
import type { Handler } from './command.ts';

/** `sha512-` and the first digits of an image ID as fetch prints it. Source: rkt v1.30.0, rkt/fetch.go. */
const PRINTED_LENGTH = 'sha512-'.length + 32;

/** Prints one image ID a line. */
export const fetchImages: Handler = async (context, line) => {
  const policy = parsePullPolicy(line, 'update', (text) => context.stdio.stderr(`${text}\n`));
  if (line.operands.length === 0) throw new OcicatError('invalid', 'must provide at least one image');
  const { signal } = openStopRequests();
  const images = openImages(context, chooseDataDir(context), policy, false);
  try {
    for (const argument of line.operands) {
      const { id } = await resolveImage(images, argument, signal);
      context.stdio.stdout(`${flagOn(line, 'full') ? id : id.slice(0, PRINTED_LENGTH)}\n`);
    }
  } finally {
    images.close();
  }
  return 0;
};
