// Getting an image into the store as a pull policy says.
import { OcicatError } from '../../base/errors.ts';
import type { RktConfig } from '../registry/config.ts';
import type { FetchProgress } from '../registry/progress.ts';
import type { DockerReference } from '../spec/reference.ts';
import type { ImageRecord } from '../store/record.ts';
import type { ImageStore } from '../store/store.ts';

/** `new`: the store's, else the registry's. `update`: always ask the registry. `never`: only the store's. */
export type PullPolicy = 'new' | 'update' | 'never';

/** Which image, from where, into which store, and how to tell about it. */
export interface FetchRequest {
  readonly store: ImageStore;
  readonly reference: DockerReference;
  readonly policy: PullPolicy;
  readonly config: RktConfig;
  /** `--insecure-options`: plain http when https does not answer; no certificate checks. */
  readonly insecure: { readonly http: boolean; readonly tls: boolean };
  /** Beyond, the image is refused: see DEFAULT_MAX_IMAGE_BYTES. */
  readonly maxImageBytes: number;
  readonly progress: FetchProgress;
  readonly signal: AbortSignal;
}

/** Returns the image, whole in the store and touched. Messages and policy: rkt v1.30.0, rkt/rkt.go. */
export async function fetchImage(request: FetchRequest): Promise<ImageRecord> {
  const { store, reference, policy, progress } = request;
  const url = `docker://${reference.literal}`;
  if (policy !== 'update') {
    const stored = store.find(reference.literal);
    if (stored !== undefined && store.isWhole(stored)) {
      progress({ kind: 'debug', text: `using image from local store for url ${url}` });
      store.touch(stored.id);
      return stored;
    }
  }
  if (policy === 'never') throw notStored(url);
  progress({ kind: 'debug', text: `remote fetching from URL "${url}"` });
  const { pullImage } = await import('./pull.ts'); // not on the way of a pod whose image is there
  return pullImage(request);
}

function notStored(url: string): OcicatError {
  return new OcicatError(
    'not-found',
    `unable to fetch docker image from URL "${url}": either image was not found in the store or store was disabled and fetching from remote yielded nothing or it was disabled`,
  );
}
