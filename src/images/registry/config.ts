// rkt's configuration directories: credentials, registry mirrors, paths. Source of the rules: rkt v1.30.0,
// rkt/config/config.go.
import { type Dirent, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { OcicatError } from '../../base/errors.ts';
import { describeErrno, isErrno } from '../../sys/errno.ts';
import { type ConfigEntry, parseConfigFile, type Subdirectory } from './config-file.ts';
import type { BasicCredentials, TokenCredentials } from './credentials.ts';

/** The three directories together. */
export interface RktConfig {
  /** paths.d `data`; undefined when no file says. */
  readonly dataDir: string | undefined;
  /** By registry host, with port if it has one (`dockerAuth`). */
  readonly registryCredentials: ReadonlyMap<string, BasicCredentials>;
  /** By host (`auth`); used for registries that registryCredentials does not name. */
  readonly domainCredentials: ReadonlyMap<string, BasicCredentials | TokenCredentials>;
  /** By registry host: base URLs to ask first, in order. */
  readonly registryMirrors: ReadonlyMap<string, readonly string[]>;
}

/** Lowest priority first. */
export interface ConfigDirectories {
  /** `/usr/lib/rkt` */
  readonly system: string;
  /** `/etc/rkt` */
  readonly local: string;
  /** None by default. */
  readonly user: string | undefined;
}

/** What rkt does without any file. */
export const emptyConfig: RktConfig = {
  dataDir: undefined,
  registryCredentials: new Map(),
  domainCredentials: new Map(),
  registryMirrors: new Map(),
};

const subdirectories: readonly Subdirectory[] = ['auth.d', 'mirrors.d', 'paths.d'];

/**
 * Reads all `*.json` of the three directories; later directories override per domain, registry and field, duplicates inside
 * one are refused. Missing directories are empty. Throws `invalid` with every issue of every file; credentials are never in
 * it.
 */
export function readRktConfig(directories: ConfigDirectories): RktConfig {
  const problems: string[] = [];
  let config = emptyConfig;
  for (const directory of [directories.system, directories.local, directories.user]) {
    if (directory === undefined) continue;
    const entries = subdirectories.flatMap((name) => readEntries(directory, name, problems));
    config = mergeConfig(config, collectEntries(entries, problems));
  }
  if (problems.length > 0) throw new OcicatError('invalid', problems.join('; '));
  return config;
}

interface LocatedEntry {
  readonly path: string;
  readonly entry: ConfigEntry;
}

function readEntries(directory: string, name: Subdirectory, problems: string[]): readonly LocatedEntry[] {
  const dir = join(directory, name);
  const entries: LocatedEntry[] = [];
  for (const file of listJsonFiles(dir)) {
    const path = join(dir, file);
    try {
      entries.push({ path, entry: parseConfigFile(name, path, readFileSync(path, 'utf8')) });
    } catch (error) {
      problems.push(error instanceof OcicatError ? error.message : `config file "${path}": ${describeErrno(error)}`);
    }
  }
  return entries;
}

function listJsonFiles(dir: string): readonly string[] {
  let entries: readonly Dirent[];
  try {
    entries = readdirSync(dir, { withFileTypes: true });
  } catch (cause) {
    if (isErrno(cause, 'ENOENT', 'ENOTDIR')) return [];
    throw new OcicatError('unavailable', `config directory "${dir}": ${describeErrno(cause)}`, { cause });
  }
  return entries
    .filter((entry) => entry.isFile() && entry.name.endsWith('.json'))
    .map((entry) => entry.name)
    .sort();
}

/** The entries of one directory as a configuration; a duplicate is a problem. */
function collectEntries(entries: readonly LocatedEntry[], problems: string[]): RktConfig {
  const registryCredentials = new Map<string, BasicCredentials>();
  const domainCredentials = new Map<string, BasicCredentials | TokenCredentials>();
  const registryMirrors = new Map<string, readonly string[]>();
  let dataDir: string | undefined;
  for (const { path, entry } of entries) {
    const claim = <V>(into: Map<string, V>, key: string, value: V, what: string): void => {
      if (into.has(key)) problems.push(`config file "${path}": ${what} "${key}" is already specified`);
      into.set(key, value);
    };
    switch (entry.kind) {
      case 'auth':
        for (const domain of entry.domains) claim(domainCredentials, domain, entry.credentials, 'auth for domain');
        break;
      case 'dockerAuth':
        for (const registry of entry.registries) {
          claim(registryCredentials, registry, entry.credentials, 'auth for docker registry');
        }
        break;
      case 'registryMirror':
        for (const registry of entry.registries) claim(registryMirrors, registry, entry.mirrors, 'mirror of registry');
        break;
      case 'paths':
        if (dataDir !== undefined) problems.push(`config file "${path}": data directory is already specified`);
        dataDir = entry.data;
        break;
    }
  }
  return { dataDir, registryCredentials, domainCredentials, registryMirrors };
}

function mergeConfig(under: RktConfig, over: RktConfig): RktConfig {
  return {
    dataDir: over.dataDir ?? under.dataDir,
    registryCredentials: new Map([...under.registryCredentials, ...over.registryCredentials]),
    domainCredentials: new Map([...under.domainCredentials, ...over.domainCredentials]),
    registryMirrors: new Map([...under.registryMirrors, ...over.registryMirrors]),
  };
}
