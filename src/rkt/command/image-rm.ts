// `rkt image rm`
import { OcicatError } from '../../base/errors.ts';
import { parseImageArgument } from '../../images/spec/reference.ts';
import type { ImageRecord } from '../../images/store/record.ts';
import { type ImageStore, openImageStore } from '../../images/store/store.ts';
import type { Context } from '../cli/context.ts';
import { chooseDataDir } from '../cli/data-dir.ts';
import { reportFailure } from '../cli/failure.ts';
import { sweepStore } from '../store/sweep-images.ts';
import type { Handler } from './command.ts';

function find(store: ImageStore, argument: string): ImageRecord {
  const parsed = parseImageArgument(argument);
  if (parsed.kind === 'id') return store.get(parsed.id);
  const name = parsed.kind === 'docker' ? parsed.reference.literal : parsed.name;
  const byName = store.find(name);
  if (byName !== undefined) return byName;
  if (/^[0-9a-f]{2,64}$/.test(name)) return store.get(name);
  throw new OcicatError('not-found', `cannot find image satisfying name: "${name}" in the local store`);
}

/** Images named twice count once; what cannot be found is reported and left out. */
function findAll(context: Context, store: ImageStore, images: readonly string[]): ReadonlySet<string> {
  const ids = new Set<string>();
  for (const image of images) {
    try {
      ids.add(find(store, image).id);
    } catch (error) {
      reportFailure(context, 'rm', error);
    }
  }
  return ids;
}

/** Pods made from the images keep working: their layers stay. Names that match nothing do not change the exit status. */
export const removeImages: Handler = async (context, { operands }) => {
  if (operands.length === 0) throw new OcicatError('invalid', 'must provide at least one image ID');
  const dataDir = chooseDataDir(context);
  const store = openImageStore(dataDir);
  try {
    const ids = findAll(context, store, operands);
    for (const id of ids) {
      store.remove(id);
      context.stdio.stdout(`successfully removed aci for image: "${id}"\n`);
    }
    sweepStore(dataDir, store);
    if (ids.size > 0) context.stdio.stderr(`rm: ${ids.size} image(s) successfully removed\n`);
  } finally {
    store.close();
  }
  return 0;
};
