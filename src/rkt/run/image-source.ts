// Where commands get images from: the store, and registries as the configuration says.
import { OcicatError } from '../../base/errors.ts';
import type { RktConfig } from '../../images/registry/config.ts';
import { openProgressDisplay, type ProgressDisplay } from '../../images/registry/progress.ts';
import { parseImageArgument } from '../../images/spec/reference.ts';
import type { ImageRecord } from '../../images/store/record.ts';
import { type ImageStore, openImageStore } from '../../images/store/store.ts';
import { fetchImage, type PullPolicy } from '../../images/transfer/fetch.ts';
import type { Context } from '../cli/context.ts';
import { readConfig } from '../cli/data-dir.ts';

/** An open store and what fetching needs. Close it when the pod's directory names its layers. */
export interface Images {
  readonly store: ImageStore;
  readonly config: RktConfig;
  readonly policy: PullPolicy;
  readonly insecure: { readonly http: boolean; readonly tls: boolean };
  readonly maxImageBytes: number;
  readonly display: ProgressDisplay;
  close(): void;
}

export function openImages(context: Context, dataDir: string, policy: PullPolicy, quiet: boolean): Images {
  const config = readConfig(context);
  const store = openImageStore(dataDir);
  const display = openProgressDisplay({
    write: quiet ? () => {} : context.stdio.stderr,
    moveUp: quiet ? () => {} : context.stdio.moveUp,
    isTerminal: process.stderr.isTTY,
    debug: context.debug,
  });
  return {
    store,
    config,
    policy,
    insecure: { http: context.lifted.has('http'), tls: context.lifted.has('tls') },
    maxImageBytes: context.maxImageBytes,
    display,
    close() {
      display.close();
      store.close();
    },
  };
}

function findByName(images: Images, name: string): ImageRecord {
  const image = images.store.find(name);
  if (image !== undefined) return image;
  throw new OcicatError(
    'not-found',
    `unable to fetch image from image name "${name}": not in the store, and only docker:// images are fetched`,
  );
}

function findById(images: Images, id: string): ImageRecord {
  try {
    return images.store.get(id);
  } catch (cause) {
    throw new OcicatError('not-found', `could not resolve image "${id}"`, { cause });
  }
}

/** The image that an IMAGE argument means, fetched if the policy says so, whole in the store. */
export async function resolveImage(images: Images, argument: string, signal: AbortSignal): Promise<ImageRecord> {
  const parsed = parseImageArgument(argument);
  if (parsed.kind === 'docker') {
    const { store, policy, config, insecure, maxImageBytes, display } = images;
    return fetchImage({
      store,
      reference: parsed.reference,
      policy,
      config,
      insecure,
      maxImageBytes,
      progress: display.report,
      signal,
    });
  }
  const image = parsed.kind === 'id' ? findById(images, parsed.id) : findByName(images, parsed.name);
  if (!images.store.isWhole(image)) {
    throw new OcicatError('corrupt', `image "${argument}": its files are not all in the store, fetch it again`);
  }
  images.store.touch(image.id);
  return image;
}
