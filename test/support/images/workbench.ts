// A temporary store and a fetch with everything a test does not care about filled in.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeError, OcicatError } from '../../../src/base/errors.ts';
import { DEFAULT_MAX_IMAGE_BYTES } from '../../../src/images/archive/allowance.ts';
import type { LayerEntry } from '../../../src/images/archive/layer-entries.ts';
import { emptyConfig, type RktConfig } from '../../../src/images/registry/config.ts';
import type { FetchEvent } from '../../../src/images/registry/progress.ts';
import { parseDockerReference } from '../../../src/images/spec/reference.ts';
import type { ImageRecord } from '../../../src/images/store/record.ts';
import { type ImageStore, openImageStore } from '../../../src/images/store/store.ts';
import { type BuildConfig, buildImage } from '../../../src/images/transfer/build.ts';
import { type FetchRequest, fetchImage } from '../../../src/images/transfer/fetch.ts';

export interface Workbench {
  readonly dir: string;
  readonly store: ImageStore;
  /** What the last fetches reported, `note: …` and `debug: …` lines. */
  readonly events: string[];
  fetch(reference: string, more?: Partial<FetchRequest>): Promise<ImageRecord>;
  /** The failure's message, or `accepted`. */
  problemOf(reference: string, more?: Partial<FetchRequest>): Promise<string>;
  /** Builds an image layout; returns its directory. */
  build(name: string, layers: readonly (readonly LayerEntry[])[], config?: BuildConfig): Promise<string>;
  close(): void;
}

export function openWorkbench(config: RktConfig = emptyConfig): Workbench {
  const dir = mkdtempSync(join(tmpdir(), 'ocicat-images-'));
  const store = openImageStore(join(dir, 'rkt'));
  const events: string[] = [];

  async function fetchOne(reference: string, more: Partial<FetchRequest> = {}): Promise<ImageRecord> {
    return fetchImage({
      store,
      reference: parseDockerReference(reference),
      policy: 'new',
      config,
      insecure: { http: false, tls: false },
      maxImageBytes: DEFAULT_MAX_IMAGE_BYTES,
      progress: (event: FetchEvent) => {
        if (event.kind !== 'layer') events.push(`${event.kind}: ${event.text}`);
      },
      signal: new AbortController().signal,
      ...more,
    });
  }

  return {
    dir,
    store,
    events,
    fetch: fetchOne,
    async problemOf(reference, more) {
      try {
        await fetchOne(reference, more);
        return 'accepted';
      } catch (error) {
        return error instanceof OcicatError ? `${error.code}: ${error.message}` : describeError(error);
      }
    },
    async build(name, layers, buildConfig) {
      const directory = join(dir, name);
      await buildImage({ directory, layers, ...(buildConfig === undefined ? {} : { config: buildConfig }) });
      return directory;
    },
    close() {
      store.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** Asks these addresses first for images of Docker Hub, quay.io, and a registry that does not exist. */
export function mirrored(...urls: readonly string[]): RktConfig {
  return {
    ...emptyConfig,
    registryMirrors: new Map([
      ['registry-1.docker.io', urls],
      ['quay.io', urls],
      ['registry.invalid', urls],
    ]),
  };
}
