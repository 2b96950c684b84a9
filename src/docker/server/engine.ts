// What Docker's engine is asked, over its own socket, while it waits for this driver's answer: only what it answers without the
// locks that it holds meanwhile, and with a bound on the time in any case.
import { existsSync } from 'node:fs';
import { OcicatError } from '../../base/errors.ts';
import {
  type EngineContainer,
  type EngineNetwork,
  parseContainersAnswer,
  parseNetworkAnswer,
  parseNetworksAnswer,
} from '../api/engine-answers.ts';

const TIMEOUT_MS = 3_000;
const MAX_BYTES = 32 << 20;

export interface Engine {
  /** Whether there is a socket at all; an engine that has ended has left it. */
  isThere(): boolean;
  /** undefined when it knows no such network. Throws `unavailable`. */
  network(networkId: string): Promise<EngineNetwork | undefined>;
  /** Identifiers. Throws `unavailable`. */
  networks(): Promise<readonly string[]>;
  /** undefined when it knows none of that name. Throws `unavailable`. */
  container(name: string): Promise<EngineContainer | undefined>;
}

/** A regular expression for the name alone: that is what a filter by name is. */
function nameFilter(name: string): string {
  return encodeURIComponent(JSON.stringify({ name: [`^/?${name.replaceAll('.', '\\.')}$`] }));
}

async function readBounded(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body ?? []) {
    length += chunk.length;
    if (length > MAX_BYTES) throw new OcicatError('unavailable', `it answers with more than ${MAX_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

export function createEngine(socketPath: string): Engine {
  /** undefined: 404. */
  async function get(path: string): Promise<string | undefined> {
    try {
      const signal = AbortSignal.timeout(TIMEOUT_MS);
      const response = await fetch(`http://docker${path}`, { unix: socketPath, signal, keepalive: false });
      const text = await readBounded(response);
      if (response.status === 404) return undefined;
      if (response.status !== 200) throw new OcicatError('unavailable', `status ${response.status}`);
      return text;
    } catch (cause) {
      throw new OcicatError('unavailable', `ask Docker at "${socketPath}" for "${path}": it does not answer`, {
        cause,
      });
    }
  }

  return {
    isThere: () => existsSync(socketPath),
    async network(networkId) {
      const json = await get(`/networks/${networkId}`);
      return json === undefined ? undefined : parseNetworkAnswer(json);
    },
    networks: async () => parseNetworksAnswer((await get('/networks')) ?? '[]'),
    async container(name) {
      const json = await get(`/containers/json?all=1&filters=${nameFilter(name)}`);
      return parseContainersAnswer(json ?? '[]')[0];
    },
  };
}
