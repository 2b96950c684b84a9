// Answers a registry's challenge: basic credentials, or a bearer token from the registry's token server.
// Source: distribution, docs/spec/auth/token.md.
import { OcicatError } from '../../base/errors.ts';
import { parseDocument } from '../../schema/parse.ts';
import { text } from '../../schema/scalars.ts';
import { object, optional } from '../../schema/schema.ts';
import { describeErrno } from '../../sys/errno.ts';
import { type Challenge, parseChallenges } from './challenge.ts';
import type { BasicCredentials, TokenCredentials } from './credentials.ts';
import { type HttpPolicy, type HttpResponse, readAll, sendRequest } from './http.ts';
import { isOwnTokenServer } from './realm.ts';

const MAX_TOKEN_BYTES = 1024 * 1024;

/** What a registry may be shown: a user with password, or a ready-made token. */
export type Credentials = BasicCredentials | TokenCredentials;

/** What a host may be shown, and which hosts may see it. */
export interface Login {
  readonly credentials: Credentials;
  /** `HOST[:PORT]` that the configuration gives these very credentials to. */
  readonly hosts: readonly string[];
}

/**
 * The Authorization header to try again with. `registry` is the address that sent the challenge; nothing secret leaves over
 * plain http, or to a token server that is neither the registry's own by its name nor one of the login's hosts. Throws
 * `denied` when there is no way in, `unavailable` when the token server does not help.
 */
export async function computeAuthorization(
  challenged: HttpResponse,
  registry: URL,
  login: Login | undefined,
  policy: HttpPolicy,
): Promise<string> {
  const credentials = login?.credentials;
  const challenges = parseChallenges(challenged.headers.get('www-authenticate') ?? '');
  const isSafe = registry.protocol === 'https:';
  if (credentials !== undefined && !isSafe) {
    throw new OcicatError('denied', 'asks for credentials, which are not sent over plain http');
  }
  if (credentials?.kind === 'oauth') return `Bearer ${credentials.token}`;
  const bearer = challenges.find((challenge) => challenge.scheme === 'bearer');
  if (bearer !== undefined) return `Bearer ${await fetchToken(bearer, registry, login, policy)}`;
  const wantsBasic = challenges.some((challenge) => challenge.scheme === 'basic');
  if (wantsBasic && credentials !== undefined) return printBasic(credentials);
  throw new OcicatError('denied', 'bad HTTP status code: 401');
}

function printBasic(credentials: BasicCredentials): string {
  return `Basic ${Buffer.from(`${credentials.user}:${credentials.password}`).toString('base64')}`;
}

async function fetchToken(
  bearer: Challenge,
  registry: URL,
  login: Login | undefined,
  policy: HttpPolicy,
): Promise<string> {
  const url = tokenUrl(bearer, registry);
  const authorization = login === undefined ? undefined : authorizeAt(url, registry, login);
  try {
    const response = await sendRequest({ url, authorization }, policy);
    const answer = Buffer.from(await readAll(response, MAX_TOKEN_BYTES)).toString();
    if (response.status === 401 || response.status === 403) {
      throw new OcicatError('denied', `token server "${url.host}": bad HTTP status code: ${response.status}`);
    }
    if (response.status !== 200) throw new OcicatError('unavailable', `bad HTTP status code: ${response.status}`);
    return readToken(answer);
  } catch (cause) {
    if (cause instanceof OcicatError && (cause.code === 'denied' || cause.code === 'aborted')) throw cause;
    throw new OcicatError('unavailable', `token server "${url.host}": ${describeErrno(cause)}`, { cause });
  }
}

/** Names the user in the URL, too. Throws `denied` when the realm is somebody else's. */
function authorizeAt(url: URL, registry: URL, { credentials, hosts }: Login): string | undefined {
  if (credentials.kind !== 'basic') return undefined;
  if (!isOwnTokenServer(registry.hostname, url.hostname) && !hosts.includes(url.host)) {
    throw new OcicatError(
      'denied',
      `names the token server "${url.host}", which is not shown the credentials of "${registry.host}"; if it may see them, add "${url.host}" to their entry`,
    );
  }
  url.searchParams.set('account', credentials.user);
  return printBasic(credentials);
}

/** A registry that is reached over https must name a token server that is, too. */
function tokenUrl(bearer: Challenge, registry: URL): URL {
  const { realm, service, scope } = bearer.parameters;
  if (realm === undefined || !URL.canParse(realm)) {
    throw new OcicatError('unavailable', 'asks for a token without saying where to get it');
  }
  const url = new URL(realm);
  const isPlain = url.protocol === 'http:' && registry.protocol === 'http:';
  if (url.protocol !== 'https:' && !isPlain) {
    throw new OcicatError('denied', `names the token server ${url.protocol}//${url.host}, wanted https`);
  }
  if (service !== undefined) url.searchParams.set('service', service);
  for (const each of scope?.split(' ') ?? []) url.searchParams.append('scope', each);
  return url;
}

const token = text({ secret: true, pattern: /^[^\s\0]+$/ });
const tokenAnswer = object({ token: optional(token), access_token: optional(token) });

function readToken(json: string): string {
  const answer = parseDocument('answer', json, tokenAnswer, 'open');
  const token = answer.token ?? answer.access_token;
  if (token === undefined) throw new OcicatError('unavailable', 'answers without a token');
  return token;
}
