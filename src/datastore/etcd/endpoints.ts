// Several endpoints and one connection: to whichever answers, and to the next one when it fails.
import { describeError, isOcicatError, OcicatError } from '../../base/errors.ts';
import { pause, untilAborted } from '../../sys/pause.ts';
import { type Connection, openConnection, type TlsMaterial } from './connection.ts';

export interface PoolOptions {
  /** Asked before every round of attempts, so that DNS may change: URLs, at least one. */
  endpoints(): Promise<readonly string[]>;
  readonly tls: TlsMaterial;
  /** For one attempt at one endpoint. */
  readonly connectTimeoutMs: number;
  /** How long a caller waits while every endpoint refuses: a restart of the server takes about a second. */
  readonly connectRetryMs: number;
}

export interface EndpointPool {
  /** The open connection, or a new one. Throws `unavailable` naming every endpoint and why it failed, and `aborted`. */
  connection(signal: AbortSignal): Promise<Connection>;
  /** This connection's server cannot help: the next call goes to another endpoint, if there is one. */
  disconnect(connection: Connection): void;
  /** Ends the connection if the host has lost the address that it is from: nothing would ever come back on it. */
  disconnectFrom(isGone: (address: string) => boolean): void;
  /** The endpoints as last known, for messages. */
  describe(): string;
  close(): void;
}

const FIRST_PAUSE_MS = 50;
const LAST_PAUSE_MS = 1_000;

/** Doubles from 50 ms to 1 s, less up to a quarter, so that many clients do not come back in step. */
export function computePauseMs(attempt: number, random: number): number {
  return Math.min(LAST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** attempt) * (1 - random / 4);
}

/** Nothing is connected before the first call. */
export function createEndpointPool(options: PoolOptions): EndpointPool {
  const closing = new AbortController();
  let known: readonly string[] = [];
  let next = Math.random();
  let current: Connection | undefined;
  let connecting: Promise<Connection> | undefined;

  function describe(): string {
    return known.map((endpoint) => `"${endpoint}"`).join(', ');
  }

  /** Tries each endpoint once, beginning at `next` (a fraction of the list at first, so that clients spread). */
  async function tryRound(failures: string[]): Promise<Connection | undefined> {
    known = await options.endpoints();
    if (next < 1) next = Math.floor(next * known.length) + known.length;
    for (let tried = 0; tried < known.length; tried += 1) {
      const endpoint = known[(next + tried) % known.length] ?? '';
      try {
        const connection = await openConnection(endpoint, options.tls, options.connectTimeoutMs, closing.signal);
        next = ((next + tried) % known.length) + known.length;
        return connection;
      } catch (error) {
        failures.push(isOcicatError(error) ? error.message : describeError(error));
      }
    }
    return undefined;
  }

  async function connect(): Promise<Connection> {
    const until = performance.now() + options.connectRetryMs;
    for (let attempt = 0; ; attempt += 1) {
      const failures: string[] = [];
      const connection = await tryRound(failures);
      if (closing.signal.aborted) connection?.close();
      else if (connection !== undefined) return connection;
      if (closing.signal.aborted || performance.now() >= until)
        throw new OcicatError('unavailable', failures.join('; ') || 'use etcd: it has been closed');
      await pause(computePauseMs(attempt, Math.random()), closing.signal);
    }
  }

  function connectOnce(): Promise<Connection> {
    connecting ??= connect()
      .then((connection) => {
        current = connection;
        return connection;
      })
      .finally(() => {
        connecting = undefined;
      });
    return connecting;
  }

  return {
    describe,
    async connection(signal) {
      if (current?.isOpen()) return current;
      if (closing.signal.aborted) throw new OcicatError('unavailable', 'use etcd: it has been closed');
      return untilAborted(connectOnce(), signal);
    },
    disconnect(connection) {
      if (connection.isOpen() && known.length < 2) return;
      if (current === connection) {
        current = undefined;
        next += 1;
      }
      connection.close();
    },
    disconnectFrom(isGone) {
      const from = current?.localAddress;
      if (from !== undefined && isGone(from)) current?.close();
    },
    close() {
      closing.abort();
      current?.close();
    },
  };
}
