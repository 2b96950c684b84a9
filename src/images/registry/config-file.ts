// One configuration file: which kinds its directory allows, and which members each kind must have.
import { isAbsolute } from 'node:path';
import { OcicatError } from '../../base/errors.ts';
import { parseDocument, parseValue } from '../../schema/parse.ts';
import { anything, parsedText, text, textThat } from '../../schema/scalars.ts';
import { list, map, object, optional, type Schema } from '../../schema/schema.ts';
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

const header = object({ rktKind: optional(text()), rktVersion: optional(text()) });

/** Throws `invalid`, naming the file and every issue; never a password or token. */
export function parseConfigFile(directory: Subdirectory, path: string, json: string): ConfigEntry {
  const what = `config file "${path}"`;
  const { rktKind, rktVersion } = parseDocument(what, json, header, 'open');
  const {
    rktKind: _kind,
    rktVersion: _version,
    ...content
  } = parseDocument(what, json, map(text(), anything), 'closed');
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
      return readDockerAuth(what, content);
    case 'registryMirror':
      return { kind: 'registryMirror', ...parseValue(what, content, mirrorFields, 'closed') };
    default:
      return { kind: 'paths', data: parseValue(what, content, pathsFields, 'closed').data };
  }
}

/** docker.io becomes the registry's own name. */
const host = parsedText('HOST[:PORT]', (text) => (/^[^\s/@?#]+$/.test(text) ? registryName(text) : undefined));

/** `missing`: what rkt says when there is none. */
function hosts(missing: string): Schema<readonly string[]> {
  return list(host, { minItems: 1, wanted: `at least one host (${missing})` });
}

const secret = text({ secret: true, pattern: /^[^\r\n\0]*$/ });
const basicCredentials = object({
  user: text({ wanted: 'a user name without colon', secret: true, pattern: /^[^:\r\n\0]+$/ }),
  password: secret,
});
const tokenCredentials = object({ token: secret });

function readAuth(what: string, content: unknown): ConfigEntry {
  const { type } = parseValue(what, content, object({ type: optional(text()) }), 'open');
  if (type === undefined || type === '') throw new OcicatError('invalid', `${what}: no auth type specified`);
  const fields = { domains: hosts('no domains specified'), type: anything };
  if (type === 'basic') {
    const basic = object({ ...fields, credentials: basicCredentials });
    const { domains, credentials } = parseValue(what, content, basic, 'closed');
    return { kind: 'auth', domains, credentials: { kind: 'basic', ...credentials } };
  }
  if (type === 'oauth') {
    const oauth = object({ ...fields, credentials: tokenCredentials });
    const { domains, credentials } = parseValue(what, content, oauth, 'closed');
    return { kind: 'auth', domains, credentials: { kind: 'oauth', ...credentials } };
  }
  throw new OcicatError('invalid', `${what}: unknown auth type: "${type}", wanted "basic" or "oauth"`);
}

const dockerAuthFields = object({ registries: hosts('no registries specified'), credentials: basicCredentials });

function readDockerAuth(what: string, content: unknown): ConfigEntry {
  const { registries, credentials } = parseValue(what, content, dockerAuthFields, 'closed');
  return { kind: 'dockerAuth', registries, credentials: { kind: 'basic', ...credentials } };
}

const mirrorUrl = parsedText('an http:// or https:// URL without credentials, query and fragment', (url) => {
  const isPlain = /^https?:\/\/[^/@?#\s]+(?:\/[^@?#\s]*)?$/.test(url) && URL.canParse(url);
  return isPlain ? url.replace(/\/+$/, '') : undefined;
});
const mirrorFields = object({
  registries: hosts('no registries specified'),
  mirrors: list(mirrorUrl, { minItems: 1, wanted: 'at least one URL' }),
});

const pathsFields = object({
  data: optional(textThat('an absolute path (data directory must be an absolute path)', isAbsolute)),
});
