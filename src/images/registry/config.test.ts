import { afterEach, expect, test } from 'bun:test';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { OcicatError } from '../../base/errors.ts';
import { readRktConfig } from './config.ts';

let dirs: string[] = [];

afterEach(() => {
  for (const dir of dirs) rmSync(dir, { recursive: true, force: true });
  dirs = [];
});

function directory(files: Readonly<Record<string, unknown>>): string {
  const dir = mkdtempSync(join(tmpdir(), 'ocicat-config-'));
  dirs.push(dir);
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(dir, name)), { recursive: true });
    writeFileSync(join(dir, name), typeof content === 'string' ? content : JSON.stringify(content));
  }
  return dir;
}

function read(...files: readonly Readonly<Record<string, unknown>>[]) {
  const [system = '/nonexistent', local = '/nonexistent', user] = files.map(directory);
  return readRktConfig({ system, local, user });
}

function problemOf(file: string, content: unknown): string {
  const dir = directory({ [file]: content });
  try {
    readRktConfig({ system: dir, local: '/nonexistent', user: undefined });
  } catch (error) {
    if (error instanceof OcicatError && error.code === 'invalid') return error.message.replace(`${dir}/`, '');
  }
  return 'accepted';
}

const v1 = { rktVersion: 'v1' };
const basic = { user: 'me', password: 'hunter2' };
const dockerAuth = { ...v1, rktKind: 'dockerAuth', registries: ['quay.io'], credentials: basic };
const auth = { ...v1, rktKind: 'auth', type: 'basic', domains: ['a.com', 'b.com:8443'], credentials: basic };
const mirror = { ...v1, rktKind: 'registryMirror', registries: ['docker.io'], mirrors: ['http://10.0.0.1:5000/'] };

test('without files there is nothing', () => {
  expect(read()).toEqual({
    dataDir: undefined,
    registryCredentials: new Map(),
    domainCredentials: new Map(),
    registryMirrors: new Map(),
  });
});

test('reads every kind, and ignores other names and sub-directories', () => {
  const config = read({
    'auth.d/a.json': dockerAuth,
    'auth.d/b.json': auth,
    'auth.d/c.json': { ...v1, rktKind: 'auth', type: 'oauth', domains: ['c.com'], credentials: { token: 't0' } },
    'auth.d/d.conf': 'not ours',
    'auth.d/sub.json/e.json': 'not ours',
    'mirrors.d/m.json': mirror,
    'paths.d/p.json': { ...v1, rktKind: 'paths', data: '/srv/rkt' },
  });
  expect(config).toEqual({
    dataDir: '/srv/rkt',
    registryCredentials: new Map([['quay.io', { kind: 'basic', ...basic }]]),
    domainCredentials: new Map<string, object>([
      ['a.com', { kind: 'basic', ...basic }],
      ['b.com:8443', { kind: 'basic', ...basic }],
      ['c.com', { kind: 'oauth', token: 't0' }],
    ]),
    registryMirrors: new Map([['registry-1.docker.io', ['http://10.0.0.1:5000']]]),
  } as never);
});

test('later directories override per registry and field', () => {
  const other = { ...dockerAuth, credentials: { user: 'you', password: '' } };
  const config = read(
    {
      'auth.d/a.json': { ...dockerAuth, registries: ['quay.io', 'gcr.io'] },
      'paths.d/p.json': { ...v1, rktKind: 'paths', data: '/a' },
    },
    { 'auth.d/a.json': other },
    { 'paths.d/p.json': { ...v1, rktKind: 'paths', data: '/b' } },
  );
  expect(config.dataDir).toBe('/b');
  expect([...config.registryCredentials].map(([host, { user }]) => [host, user])).toEqual([
    ['quay.io', 'you'],
    ['gcr.io', 'me'],
  ]);
});

test.each([
  ['auth.d/x.json', '{', 'is not JSON'],
  ['auth.d/x.json', {}, 'no rktKind specified'],
  ['auth.d/x.json', { rktKind: 'auth' }, 'no rktVersion specified'],
  ['auth.d/x.json', { ...auth, rktVersion: 'v2' }, 'unsupported rktVersion "v2", wanted "v1"'],
  ['auth.d/x.json', mirror, 'rktKind "registryMirror" in auth.d, wanted auth or dockerAuth'],
  ['auth.d/x.json', { ...auth, type: undefined }, 'no auth type specified'],
  ['auth.d/x.json', { ...auth, type: 'aws' }, 'unknown auth type: "aws", wanted "basic" or "oauth"'],
  [
    'auth.d/x.json',
    { ...auth, domains: [] },
    'domains: found nothing, wanted at least one host (no domains specified)',
  ],
  [
    'auth.d/x.json',
    { ...dockerAuth, registries: undefined },
    'registries: found nothing, wanted at least one host (no registries specified)',
  ],
  [
    'auth.d/x.json',
    { ...dockerAuth, typo: 1 },
    'typo: found a field that is not known, wanted one of registries, credentials',
  ],
  [
    'auth.d/x.json',
    { ...dockerAuth, credentials: { user: 'hunter2:x', password: 7, extra: 'hunter2' } },
    'credentials.user: found another value, wanted a user name without colon; credentials.password: found another value, wanted a text; credentials.extra: found a field that is not known, wanted one of user, password',
  ],
  ['mirrors.d/x.json', { ...mirror, mirrors: [] }, 'mirrors: found nothing, wanted at least one URL'],
  [
    'mirrors.d/x.json',
    { ...mirror, mirrors: ['10.0.0.1:5000', 'http://u:p@h/'] },
    'mirrors[0]: found "10.0.0.1:5000", wanted an http:// or https:// URL without credentials, query and fragment; mirrors[1]: found "http://u:p@h/", wanted an http:// or https:// URL without credentials, query and fragment',
  ],
  [
    'paths.d/x.json',
    { ...v1, rktKind: 'paths', data: 'rel' },
    'data: found "rel", wanted an absolute path (data directory must be an absolute path)',
  ],
])('refuses %s %j', (file, content, problem) => {
  const message = problemOf(file, content);
  expect(message).toBe(`config file "${file}": ${problem}`);
});

test('what is said twice in one directory is refused, and all files are named', () => {
  const dir = directory({
    'auth.d/a.json': auth,
    'auth.d/b.json': { ...auth, domains: ['b.com:8443'] },
    'auth.d/c.json': dockerAuth,
    'auth.d/d.json': dockerAuth,
    'mirrors.d/m.json': mirror,
    'mirrors.d/n.json': { ...mirror, registries: ['index.docker.io'] },
  });
  expect(() => readRktConfig({ system: '/nonexistent', local: dir, user: undefined })).toThrow(
    [
      `config file "${dir}/auth.d/b.json": auth for domain "b.com:8443" is already specified`,
      `config file "${dir}/auth.d/d.json": auth for docker registry "quay.io" is already specified`,
      `config file "${dir}/mirrors.d/n.json": mirror of registry "registry-1.docker.io" is already specified`,
    ].join('; '),
  );
});
