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

/** Looks for an endpoint that answers, from where the last one left off. */
interface Dialer {
  /** Tries all in turn for a while. Throws `unavailable` naming every endpoint and why it failed. */
  connect(): Promise<Connection>;
  /** Begins with the next one from now on. */
  advance(): void;
  /** As they were at the last round. */
  endpoints(): readonly string[];
}

/** Begins somewhere, so that clients spread. `closing` ends attempts. */
function createDialer(options: PoolOptions, closing: AbortSignal): Dialer {
  let known: readonly string[] = [];
  /** Index of the endpoint to begin with; before the first round a fraction of the list. */
  let next = Math.random();

  /** Tries each endpoint once. */
  async function tryRound(failures: string[]): Promise<Connection | undefined> {
    known = await options.endpoints();
    if (next < 1) next = Math.floor(next * known.length) + known.length;
    for (let tried = 0; tried < known.length; tried += 1) {
      const endpoint = known[(next + tried) % known.length] ?? '';
      try {
        const connection = await openConnection(endpoint, options.tls, options.connectTimeoutMs, closing);
        next = ((next + tried) % known.length) + known.length;
        return connection;
      } catch (error) {
        failures.push(isOcicatError(error) ? error.message : describeError(error));
      }
    }
    return undefined;
  }

  return {
    async connect() {
      const until = performance.now() + options.connectRetryMs;
      for (let attempt = 0; ; attempt += 1) {
        const failures: string[] = [];
        const connection = await tryRound(failures);
        if (closing.aborted) connection?.close();
        else if (connection !== undefined) return connection;
        if (closing.aborted || performance.now() >= until)
          throw new OcicatError('unavailable', failures.join('; ') || 'use etcd: it has been closed');
        await pause(computePauseMs(attempt, Math.random()), closing);
      }
    },
    advance() {
      next += 1;
    },
    endpoints: () => known,
  };
}

/** Nothing is connected before the first call. */
export function createEndpointPool(options: PoolOptions): EndpointPool {
  const closing = new AbortController();
  const dialer = createDialer(options, closing.signal);
  let current: Connection | undefined;
  let connecting: Promise<Connection> | undefined;

  async function connect(): Promise<Connection> {
    try {
      current = await dialer.connect();
      return current;
    } finally {
      connecting = undefined;
    }
  }

  return {
    describe: () =>
      dialer
        .endpoints()
        .map((endpoint) => `"${endpoint}"`)
        .join(', '),
    async connection(signal) {
      if (current?.isOpen()) return current;
      if (closing.signal.aborted) throw new OcicatError('unavailable', 'use etcd: it has been closed');
      connecting ??= connect();
      return untilAborted(connecting, signal);
    },
    disconnect(connection) {
      if (connection.isOpen() && dialer.endpoints().length < 2) return;
      if (current === connection) {
        current = undefined;
        dialer.advance();
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
