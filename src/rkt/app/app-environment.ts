// The environment of an app, put together from the image, the command line and the caller.
import { readFileSync } from 'node:fs';
import { OcicatError } from '../../base/errors.ts';
import type { NameValue } from '../store/pod-manifest.ts';

/** What an app finds when nobody set it. Source: rkt v1.30.0, stage1/init/common/pod.go. */
const defaults: readonly NameValue[] = [
  { name: 'PATH', value: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' },
  { name: 'SHELL', value: '/bin/sh' },
  { name: 'USER', value: 'root' },
  { name: 'LOGNAME', value: 'root' },
];

const NAME = /^[A-Za-z_][A-Za-z_0-9.-]*$/;

export interface EnvironmentRequest {
  /** The image's `NAME=VALUE` entries; those without an equals sign are dropped. */
  readonly image: readonly string[];
  /** The caller's variables when `--inherit-env` was given. */
  readonly inherited: Readonly<Record<string, string | undefined>>;
  /** `--environment` of the app. */
  readonly app: ReadonlyMap<string, string>;
  /** `--set-env-file`, then `--set-env`. */
  readonly pod: ReadonlyMap<string, string>;
}

/** `NAME=VALUE` each; what has no name is left out. */
export function splitEntries(entries: readonly string[]): readonly (readonly [string, string])[] {
  return entries.flatMap((entry) => {
    const equals = entry.indexOf('=');
    return equals > 0 ? [[entry.slice(0, equals), entry.slice(equals + 1)] as const] : [];
  });
}

/**
 * Later wins: the caller's variables, the image's, `--set-env-file`, `--set-env`, `--environment`. That the option of one
 * app beats those for all is what rkt's documentation promises. An image may use names that no shell could set, as it may
 * with
 * docker and podman. Throws `invalid` for such a name on the command line.
 */
export function computeEnvironment(request: EnvironmentRequest): readonly NameValue[] {
  const merged = new Map<string, string>();
  for (const [name, value] of Object.entries(request.inherited)) {
    if (value !== undefined && NAME.test(name)) merged.set(name, value);
  }
  for (const [name, value] of [...splitEntries(request.image), ...request.pod, ...request.app]) merged.set(name, value);
  const bad = [...request.pod.keys(), ...request.app.keys()].find((name) => !NAME.test(name));
  if (bad !== undefined) throw new OcicatError('invalid', `environment variable name "${bad}" is not valid`);
  return [...merged].map(([name, value]) => ({ name, value }));
}

/** Adds what is missing, the user's home among it, and the app's name; one `NAME=VALUE` each. */
export function completeEnvironment(app: string, environment: readonly NameValue[], home: string): readonly string[] {
  const set = new Set(environment.map(({ name }) => name));
  const missing = [...defaults, { name: 'HOME', value: home }].filter(({ name }) => !set.has(name));
  const own = environment.filter(({ name }) => name !== 'AC_APP_NAME');
  return [...own, ...missing, { name: 'AC_APP_NAME', value: app }].map(({ name, value }) => `${name}=${value}`);
}

/** `K=V` lines; blank ones and those starting with `#` or `;` are left out. Throws `invalid`, `not-found`. */
function readEnvironmentFile(path: string): readonly (readonly [string, string])[] {
  let content: string;
  try {
    content = readFileSync(path, 'utf8');
  } catch (cause) {
    throw new OcicatError('not-found', `open ${path}`, { cause });
  }
  const lines = content.split('\n').filter((line) => line.trim() !== '' && !/^[#;]/.test(line));
  const bad = lines.find((line) => line.indexOf('=') < 1);
  if (bad !== undefined) throw new OcicatError('invalid', `file "${path}": "${bad}" must be specified as key=value`);
  return splitEntries(lines);
}

/** `--set-env` values over those of the files. A key given twice on the command line is refused. */
export function parseSetEnv(values: readonly string[], files: readonly string[]): ReadonlyMap<string, string> {
  const own = new Map<string, string>();
  for (const value of values) {
    const equals = value.indexOf('=');
    if (equals < 1) throw new OcicatError('invalid', `--set-env "${value}": must be specified as key=value`);
    const key = value.slice(0, equals);
    if (own.has(key)) throw new OcicatError('invalid', `key "${key}" already set`);
    own.set(key, value.slice(equals + 1));
  }
  return new Map([...files.flatMap(readEnvironmentFile), ...own]);
}
