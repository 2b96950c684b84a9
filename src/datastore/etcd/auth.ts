// The token that stands for a user and password, fetched when needed and again when the server no longer takes it.
import { OcicatError } from '../../base/errors.ts';
import { untilAborted } from '../../sys/pause.ts';
import type { Connection } from './connection.ts';
import { AUTHENTICATE, decodeAuthenticate, encodeAuthenticate } from './messages.ts';
import { isTransient, saysAuthIsOff, statusError } from './status.ts';

export interface Credentials {
  readonly username: string;
  readonly password: string;
}

export interface TokenSource {
  /** Undefined when there are no credentials or the server wants none. Throws `denied`, `unavailable`. */
  token(connection: Connection, signal: AbortSignal): Promise<string | undefined>;
  /** The server refused this token. False when there is nothing else to try. */
  forget(token: string | undefined): boolean;
}

async function authenticate(
  { username, password }: Credentials,
  connection: Connection,
  signal: AbortSignal,
): Promise<string | undefined> {
  const action = `log in to etcd "${connection.endpoint}" as "${username}"`;
  const result = await connection.call(AUTHENTICATE, encodeAuthenticate(username, password), undefined, signal);
  if (result.kind === 'answered') return decodeAuthenticate(result.message);
  if (result.kind === 'lost')
    throw new OcicatError('unavailable', `${action}: the connection broke`, { cause: result.cause });
  if (saysAuthIsOff(result.status)) return undefined;
  if (isTransient(result.status)) throw statusError(action, result.status);
  throw new OcicatError('denied', `${action}: ${result.status.message}`);
}

/** One log-in at a time, however many ask and whoever of them gives up; a simple token is known to every member of the cluster. */
export function createTokenSource(credentials: Credentials | undefined): TokenSource {
  let fetched: { readonly token: string | undefined } | undefined;
  let fetching: Promise<string | undefined> | undefined;
  return {
    async token(connection, signal) {
      if (credentials === undefined) return undefined;
      if (fetched !== undefined) return fetched.token;
      fetching ??= authenticate(credentials, connection, new AbortController().signal)
        .then((token) => {
          fetched = { token };
          return token;
        })
        .finally(() => {
          fetching = undefined;
        });
      return untilAborted(fetching, signal);
    },
    forget(token) {
      if (fetched?.token === token) fetched = undefined;
      return credentials !== undefined;
    },
  };
}
