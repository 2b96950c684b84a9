// rkt's side of registering: requests over the socket that only root may use.
import { createConnection } from 'node:net';
import { OcicatError } from '../base/errors.ts';
import { METADATA_SOCKET } from './address.ts';

const ATTEMPTS = 3;
const PAUSE_MS = 1000;
const TIMEOUT_MS = 10_000;

/** The first sentence is rkt's. */
const UNREACHABLE = `could not reach the metadata service. Make sure that it runs ("rkt metadata-service", or systemctl start rkt-metadata.socket), or leave out --mds-register`;

interface Call {
  readonly method: 'PUT' | 'DELETE';
  readonly path: string;
  readonly body?: string;
}

async function send({ method, path, body }: Call): Promise<Response> {
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  return await fetch(`http://localhost${path}`, { method, body: body ?? null, unix: METADATA_SOCKET, signal });
}

/** Tries again while the service cannot be reached: one that is started anew is back within a moment. */
async function sendWithRetries(call: Call, attempts = ATTEMPTS): Promise<Response> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await send(call);
    } catch (cause) {
      if (attempt >= attempts) throw new OcicatError('unavailable', UNREACHABLE, { cause });
      await Bun.sleep(PAUSE_MS);
    }
  }
}

/** Throws `unavailable` with the service's own message. */
async function demand(call: Call): Promise<void> {
  const response = await sendWithRetries(call);
  if (response.ok) return;
  const reason = (await response.text()).trim();
  throw new OcicatError('unavailable', `the metadata service refused it: ${response.status} ${reason}`);
}

export interface NewPod {
  readonly uuid: string;
  /** Hex digits. */
  readonly token: string;
  /** Where the pod comes from. */
  readonly address: string;
  readonly podPath: string;
  readonly manifest: string;
  /** Image manifest by app. */
  readonly images: ReadonlyMap<string, string>;
}

/** The service knows the pod, with all its apps, when this returns. */
export async function registerPod({ uuid, token, address, podPath, manifest, images }: NewPod): Promise<void> {
  const query = new URLSearchParams({ token, ip: address, path: podPath });
  await demand({ method: 'PUT', path: `/pods/${uuid}?${query}`, body: manifest });
  for (const [app, body] of images) await demand({ method: 'PUT', path: `/pods/${uuid}/${app}`, body });
}

/** A service that does not run forgets the pod when it starts. */
export async function unregisterPod(uuid: string): Promise<void> {
  try {
    await sendWithRetries({ method: 'DELETE', path: `/pods/${uuid}` }, 1);
  } catch {
    // it looks at the pod's lock as well
  }
}

/** Throws `unavailable` when nobody listens. */
export async function requireService(): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const socket = createConnection(METADATA_SOCKET, resolve).on('error', reject);
  try {
    await promise;
  } catch (cause) {
    throw new OcicatError('unavailable', UNREACHABLE, { cause });
  } finally {
    socket.destroy();
  }
}
