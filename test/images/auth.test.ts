// Credentials against a real registry: basic authentication, and tokens from a token server.
import { afterAll, afterEach, beforeAll, expect, test } from 'bun:test';
import { createHash, createSign, X509Certificate } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Server } from 'bun';
import { emptyConfig, type RktConfig, readRktConfig } from '../../src/images/registry/config.ts';
import type { BasicCredentials } from '../../src/images/registry/credentials.ts';
import { pushImage } from '../../src/images/transfer/push.ts';
import { makeCertificate, openRegistryServer, type RegistryServer } from '../support/images/registry-server.ts';
import { openWorkbench, type Workbench } from '../support/images/workbench.ts';

const me: BasicCredentials = { kind: 'basic', user: 'me', password: 'secret:word' };
const insecureTls = { insecure: { http: false, tls: true } };

let dir = '';
let basic: RegistryServer;
let token: RegistryServer;
let elsewhere: RegistryServer;
let tokenServer: Server<undefined>;
let tokenRequests: string[] = [];
let bench: Workbench;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'ocicat-auth-'));
  const tls = makeCertificate(dir);
  const passwords = join(dir, 'htpasswd');
  writeFileSync(passwords, `me:${await Bun.password.hash(me.password, { algorithm: 'bcrypt', cost: 4 })}\n`);
  tokenServer = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    tls: { cert: readFileSync(tls.certificate), key: readFileSync(tls.key) },
    fetch: (request) => grantToken(request, tls),
  });
  const byToken = (host: string): string =>
    `auth: {token: {realm: "https://${host}:${tokenServer.port}/token", service: test, issuer: us, rootcertbundle: ${tls.certificate}}}`;
  [basic, token, elsewhere] = await Promise.all([
    openRegistryServer({ tls, auth: `auth: {htpasswd: {realm: test, path: ${passwords}}}` }),
    openRegistryServer({ tls, auth: byToken('127.0.0.1') }),
    openRegistryServer({ tls, auth: byToken('localhost') }),
  ]);
  bench = openWorkbench();
  const directory = await bench.build('image', [[{ kind: 'file', path: '/x', content: 'x' }]]);
  for (const server of [basic, token]) {
    const where = { registryUrl: server.url, name: 'private/x', tag: 'latest', directory };
    await pushImage({ ...where, credentials: me, allowBadCertificates: true });
  }
});

afterAll(async () => {
  bench.close();
  tokenServer.stop(true);
  await Promise.all([basic.close(), token.close(), elsewhere.close()]);
  rmSync(dir, { recursive: true, force: true });
});

afterEach(() => {
  tokenRequests = [];
  for (const image of bench.store.list()) bench.store.remove(image.id);
});

/** Grants everything to `me`, pulling from public/ to anybody; signs as the registry's root certificate. */
function grantToken(request: Request, tls: { readonly certificate: string; readonly key: string }): Response {
  const url = new URL(request.url);
  const authorization = request.headers.get('authorization');
  const isMe = authorization === `Basic ${Buffer.from(`${me.user}:${me.password}`).toString('base64')}`;
  const scopes = url.searchParams.getAll('scope');
  tokenRequests.push(`${isMe ? 'me' : (authorization ?? 'anonymous')} ${scopes.join(' ')}`);
  if (authorization !== null && !isMe) return new Response('no', { status: 401 });
  const access = scopes.map((scope) => {
    const [type, name, actions] = scope.split(':');
    return { type, name, actions: isMe ? (actions ?? '').split(',') : [] };
  });
  const now = Math.floor(Date.now() / 1000);
  const der = new X509Certificate(readFileSync(tls.certificate)).raw;
  const head = { typ: 'JWT', alg: 'RS256', x5c: [der.toString('base64')] };
  const claims = { iss: 'us', sub: '', aud: url.searchParams.get('service'), exp: now + 60, nbf: now - 5, iat: now };
  const jti = createHash('sha256').update(String(Math.random())).digest('hex');
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const body = `${part(head)}.${part({ ...claims, jti, access })}`;
  const signature = createSign('RSA-SHA256').update(body).sign(readFileSync(tls.key)).toString('base64url');
  return Response.json({ token: `${body}.${signature}` });
}

function withRegistry(host: string, password = me.password): RktConfig {
  return { ...emptyConfig, registryCredentials: new Map([[host, { ...me, password }]]) };
}

test('basic credentials open a registry, by registry or by domain', async () => {
  const reference = `docker://${basic.host}/private/x`;
  const first = await bench.fetch(reference, { ...insecureTls, config: withRegistry(basic.host) });
  const byDomain: RktConfig = { ...emptyConfig, domainCredentials: new Map([[basic.host, me]]) };
  const second = await bench.fetch(reference, { ...insecureTls, policy: 'update', config: byDomain });
  expect(second.id).toBe(first.id);
});

test.each([
  ['no credentials', emptyConfig],
  ['those of another registry', withRegistry('quay.io')],
])('with %s a private registry refuses, in one line', async (_what, config) => {
  const reference = `docker://${basic.host}/private/x`;
  expect(await bench.problemOf(reference, { ...insecureTls, config })).toBe(
    `denied: registry "${basic.host}": refuses access to "private/x:latest" (${basic.url}: bad HTTP status code: 401); credentials belong in /etc/rkt/auth.d`,
  );
});

test('a wrong password is refused and never shown', async () => {
  const config = withRegistry(basic.host, 'wrong-secret');
  const problem = await bench.problemOf(`docker://${basic.host}/private/x`, { ...insecureTls, config });
  expect(problem).toContain('bad HTTP status code: 401');
  expect(problem).not.toContain('wrong-secret');
});

test('a certificate that nobody vouches for is refused, also when there are credentials', async () => {
  const config = withRegistry(basic.host);
  expect(await bench.problemOf(`docker://${basic.host}/private/x`, { config })).toBe(
    `unavailable: registry "${basic.host}": cannot be reached for image "private/x:latest" (${basic.url}: DEPTH_ZERO_SELF_SIGNED_CERT); check the network, or name a mirror of it in /etc/rkt/mirrors.d`,
  );
});

test('a token is fetched from the realm that the registry names, once for an image', async () => {
  const reference = `docker://${token.host}/private/x`;
  const image = await bench.fetch(reference, { ...insecureTls, config: withRegistry(token.host) });
  expect(image.layers).toHaveLength(1);
  expect(tokenRequests).toEqual(['me repository:private/x:pull']);
});

test('a token server of another name is not shown the credentials', async () => {
  const config = withRegistry(elsewhere.host);
  const server = `localhost:${tokenServer.port}`;
  expect(await bench.problemOf(`docker://${elsewhere.host}/private/x`, { ...insecureTls, config })).toBe(
    `denied: registry "${elsewhere.host}": refuses access to "private/x:latest" (${elsewhere.url}: names the token server "${server}", which is not shown the credentials of "${elsewhere.host}"; if it may see them, add "${server}" to their entry); credentials belong in /etc/rkt/auth.d`,
  );
  expect(tokenRequests).toEqual([]);
});

test.each(['dockerAuth', 'auth'])(
  'a token server that the %s entry names is shown the credentials',
  async (rktKind) => {
    const dir = mkdtempSync(join(tmpdir(), 'ocicat-auth-'));
    const hosts = [elsewhere.host, `localhost:${tokenServer.port}`];
    const kind = rktKind === 'auth' ? { type: 'basic', domains: hosts } : { registries: hosts };
    const credentials = { user: me.user, password: me.password };
    try {
      mkdirSync(join(dir, 'auth.d'));
      writeFileSync(join(dir, 'auth.d/x.json'), JSON.stringify({ rktKind, rktVersion: 'v1', ...kind, credentials }));
      const config = readRktConfig({ system: dir, local: '/nonexistent', user: undefined });
      await bench.problemOf(`docker://${elsewhere.host}/private/x`, { ...insecureTls, config });
      expect(tokenRequests).toEqual(['me repository:private/x:pull']);
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  },
);

test('without credentials a token is asked for anonymously, and what it does not grant is refused', async () => {
  const problem = await bench.problemOf(`docker://${token.host}/private/x`, insecureTls);
  expect(problem).toBe(
    `denied: registry "${token.host}": refuses access to "private/x:latest" (${token.url}: bad HTTP status code: 401); credentials belong in /etc/rkt/auth.d`,
  );
  expect(tokenRequests).toEqual(['anonymous repository:private/x:pull']);
});

test('a token server that refuses the credentials is named', async () => {
  const config = withRegistry(token.host, 'wrong-secret');
  const problem = await bench.problemOf(`docker://${token.host}/private/x`, { ...insecureTls, config });
  expect(problem).toContain(`token server "127.0.0.1:${tokenServer.port}": bad HTTP status code: 401`);
  expect(problem).not.toContain('wrong-secret');
});

test('a ready-made token is sent as it is, and nothing is asked for', async () => {
  const config: RktConfig = {
    ...emptyConfig,
    domainCredentials: new Map([[token.host, { kind: 'oauth', token: 'no-such-token' }]]),
  };
  const problem = await bench.problemOf(`docker://${token.host}/private/x`, { ...insecureTls, config });
  expect(problem).toContain('bad HTTP status code: 401');
  expect(problem).not.toContain('no-such-token');
  expect(tokenRequests).toEqual([]);
});

test('credentials are not sent over plain http, and a mirror never gets its registry’s', async () => {
  const seen: (string | null)[] = [];
  const mirror = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    fetch(request) {
      seen.push(request.headers.get('authorization'));
      return new Response('', { status: 401, headers: { 'WWW-Authenticate': 'Basic realm="x"' } });
    },
  });
  try {
    const host = `127.0.0.1:${mirror.port}`;
    const mirrors = new Map([['registry.invalid', [`http://${host}`]]]);
    const ofRegistry = { ...withRegistry('registry.invalid'), registryMirrors: mirrors };
    const ofMirror = { ...withRegistry(host), registryMirrors: mirrors };
    expect(await bench.problemOf('docker://registry.invalid/x', { config: ofRegistry })).toContain('401');
    expect(await bench.problemOf('docker://registry.invalid/x', { config: ofMirror })).toContain(
      `http://${host}: asks for credentials, which are not sent over plain http`,
    );
    expect(seen).toEqual([null, null]);
  } finally {
    mirror.stop(true);
  }
});
