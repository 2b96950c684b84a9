// `rkt fetch`
import { OcicatError } from '../../base/errors.ts';
import { chooseDataDir } from '../cli/data-dir.ts';
import { isSet } from '../cli/flags.ts';
import { parsePullPolicy } from '../options/run-flags.ts';
import { openImages, resolveImage } from '../run/image-source.ts';
import { openStopRequests } from '../run/stop-requests.ts';
import type { Handler } from './command.ts';

/** `sha512-` and the first digits of an image ID as fetch prints it. Source: rkt v1.30.0, rkt/fetch.go. */
const PRINTED_LENGTH = 'sha512-'.length + 32;

/** Prints one image ID a line. */
export const fetchImages: Handler = async (context, { uses, rest }) => {
  const policy = parsePullPolicy(uses, 'update', (line) => context.stdio.stderr(`${line}\n`));
  if (rest.length === 0) throw new OcicatError('invalid', 'must provide at least one image');
  const { signal } = openStopRequests();
  const images = openImages(context, chooseDataDir(context), policy, false);
  try {
    for (const argument of rest) {
      const { id } = await resolveImage(images, argument, signal);
      context.stdio.stdout(`${isSet(uses, 'full') ? id : id.slice(0, PRINTED_LENGTH)}\n`);
    }
  } finally {
    images.close();
  }
  return 0;
};
