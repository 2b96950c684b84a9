// One configuration file: which kinds its directory allows, and what each kind must say.
import { isAbsolute } from 'node:path';
import { type Issue, OcicatError } from '../../base/errors.ts';
import {
  anything,
  dictionary,
  list,
  object,
  optional,
  parseDocument,
  type Reader,
  refuse,
  text,
} from '../../schema/fields.ts';
import { registryName } from '../spec/reference.ts';
import type { BasicCredentials, TokenCredentials } from './credentials.ts';

/** The sub-directories of a configuration directory that hold such files. */
export type Subdirectory = 'auth.d' | 'mirrors.d' | 'paths.d';

/** What one file says. */
export type ConfigEntry =
  | {
      readonly kind: 'auth';
      readonly domains: readonly string[];
      readonly credentials: BasicCredentials | TokenCredentials;
    }
  | { readonly kind: 'dockerAuth'; readonly registries: readonly string[]; readonly credentials: BasicCredentials }
  | { readonly kind: 'registryMirror'; readonly registries: readonly string[]; readonly mirrors: readonly string[] }
  | { readonly kind: 'paths'; readonly data: string | undefined };

const allowedKinds: Readonly<Record<Subdirectory, readonly string[]>> = {
  'auth.d': ['auth', 'dockerAuth'],
  'mirrors.d': ['registryMirror'],
  'paths.d': ['paths'],
};

const readHeader = object({ rktKind: optional(text()), rktVersion: optional(text()) }, 'open');

/** Throws `invalid`, naming the file and every issue; never a password or token. */
export function parseConfigFile(directory: Subdirectory, path: string, json: string): ConfigEntry {
  const what = `config file "${path}"`;
  const { rktKind, rktVersion } = parseDocument(what, json, readHeader);
  const { rktKind: _kind, rktVersion: _version, ...content } = parseDocument(what, json, dictionary(anything));
  const kinds = allowedKinds[directory];
  if (rktKind === undefined) throw new OcicatError('invalid', `${what}: no rktKind specified`);
  if (rktVersion === undefined) throw new OcicatError('invalid', `${what}: no rktVersion specified`);
  if (!kinds.includes(rktKind)) {
    throw new OcicatError('invalid', `${what}: rktKind "${rktKind}" in ${directory}, wanted ${kinds.join(' or ')}`);
  }
  if (rktVersion !== 'v1') {
    throw new OcicatError('invalid', `${what}: unsupported rktVersion "${rktVersion}", wanted "v1"`);
  }
  switch (rktKind) {
    case 'auth':
      return readAuth(what, content);
    case 'dockerAuth':
      return { kind: 'dockerAuth', ...read(what, content, dockerAuthFields) };
    case 'registryMirror':
      return { kind: 'registryMirror', ...read(what, content, mirrorFields) };
    default:
      return { kind: 'paths', ...read(what, content, pathsFields) };
  }
}

function read<T>(what: string, content: unknown, reader: Reader<T>): T {
  const issues: Issue[] = [];
  const result = reader(content, '', issues);
  if (issues.length > 0) throw refuse(what, issues);
  return result;
}

const hostText = text({ wanted: 'HOST[:PORT]', accepts: (host) => /^[^\s/@?#]+$/.test(host) });

/** A list of hosts that has at least one; docker.io becomes the registry's own name. */
function hosts(missing: string): Reader<readonly string[]> {
  return (value, path, issues) => {
    const found = value === undefined || value === null ? [] : list(hostText)(value, path, issues);
    if (value === undefined || value === null || (Array.isArray(value) && value.length === 0)) {
      issues.push({ path, found: 'nothing', wanted: `at least one host (${missing})` });
    }
    return found.map(registryName);
  };
}

const secret = text({ wanted: 'text', secret: true, accepts: (value) => !/[\r\n\0]/.test(value) });

const basicFields: Reader<{ readonly user: string; readonly password: string }> = object(
  {
    user: text({
      wanted: 'a user name without colon',
      secret: true,
      accepts: (user) => user !== '' && !/[:\r\n\0]/.test(user),
    }),
    password: secret,
  },
  'closed',
);

const basicCredentials: Reader<BasicCredentials> = (value, path, issues) => ({
  kind: 'basic',
  ...basicFields(value, path, issues),
});

const tokenFields = object({ token: secret }, 'closed');

const tokenCredentials: Reader<TokenCredentials> = (value, path, issues) => ({
  kind: 'oauth',
  ...tokenFields(value, path, issues),
});

function readAuth(what: string, content: unknown): ConfigEntry {
  const { type } = read(what, content, object({ type: optional(text()) }, 'open'));
  if (type === undefined || type === '') throw new OcicatError('invalid', `${what}: no auth type specified`);
  const credentials: Reader<BasicCredentials | TokenCredentials> | undefined =
    type === 'basic' ? basicCredentials : type === 'oauth' ? tokenCredentials : undefined;
  if (credentials === undefined) {
    throw new OcicatError('invalid', `${what}: unknown auth type: "${type}", wanted "basic" or "oauth"`);
  }
  const authFields = object({ domains: hosts('no domains specified'), type: anything, credentials }, 'closed');
  const fields = read(what, content, authFields);
  return { kind: 'auth', domains: fields.domains, credentials: fields.credentials };
}

const dockerAuthFields = object(
  {
    registries: hosts('no registries specified'),
    credentials: basicCredentials,
  },
  'closed',
);

const mirrorUrl: Reader<string> = (value, path, issues) =>
  text({
    wanted: 'an http:// or https:// URL without credentials, query and fragment',
    accepts: (url) => /^https?:\/\/[^/@?#\s]+(?:\/[^@?#\s]*)?$/.test(url) && URL.canParse(url),
  })(value, path, issues).replace(/\/+$/, '');

const mirrorFields = object(
  {
    registries: hosts('no registries specified'),
    mirrors: (value, path, issues) => {
      const urls = list(mirrorUrl)(value, path, issues);
      if (Array.isArray(value) && value.length === 0)
        issues.push({ path, found: 'nothing', wanted: 'at least one URL' });
      return urls;
    },
  },
  'closed',
);

const pathsFields = object(
  {
    data: optional(text({ wanted: 'an absolute path (data directory must be an absolute path)', accepts: isAbsolute })),
  },
  'closed',
);
