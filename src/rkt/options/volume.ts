// Volumes and mounts as the command line spells them.
import { posix } from 'node:path';
import { tryParseBoolean } from '../../base/boolean.ts';
import { OcicatError } from '../../base/errors.ts';

export type Volume =
  | {
      readonly kind: 'host';
      readonly name: string;
      readonly source: string;
      /** undefined: as the mount point says. */
      readonly readOnly: boolean | undefined;
      /** undefined: the flavour's default. */
      readonly recursive: boolean | undefined;
    }
  | {
      readonly kind: 'empty';
      readonly name: string;
      readonly readOnly: boolean | undefined;
      readonly mode: number;
      readonly uid: number;
      readonly gid: number;
    };

export interface Mount {
  readonly volume: string;
  /** As given; links and `..` in it are resolved inside the root file system. */
  readonly path: string;
}

/** appc names: lower case, digits and single dashes inside. Source: App Container specification 0.8.11. */
export function isAcName(text: string): boolean {
  return /^[a-z0-9]+(-[a-z0-9]+)*$/.test(text);
}

function decode(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    throw new OcicatError('invalid', `"${value}" is not percent-encoded correctly`);
  }
}

function parsePairs(text: string): ReadonlyMap<string, string> {
  return new Map(
    text.split(',').map((pair) => {
      const equals = pair.indexOf('=');
      return equals < 0 ? [pair, ''] : [pair.slice(0, equals), decode(pair.slice(equals + 1))];
    }),
  );
}

function bool(pairs: ReadonlyMap<string, string>, key: string): boolean | undefined {
  const text = pairs.get(key);
  if (text === undefined) return undefined;
  const value = tryParseBoolean(text);
  if (value === undefined) throw new OcicatError('invalid', `strconv.ParseBool: parsing "${text}": invalid syntax`);
  return value;
}

function number(pairs: ReadonlyMap<string, string>, key: string, radix: 8 | 10, fallback: number, max: number): number {
  const text = pairs.get(key);
  if (text === undefined) return fallback;
  const value = (radix === 8 ? /^[0-7]+$/ : /^[0-9]+$/).test(text) ? Number.parseInt(text, radix) : Number.NaN;
  if (value <= max) return value;
  throw new OcicatError('invalid', `${key} "${text}" is not a number from 0 to ${max.toString(radix)}`);
}

const MAX_MODE = 0o7777;
/** The highest id the kernel takes; the one above means "no change". */
const MAX_ID = 0xfffffffe;

function parseEmpty(name: string, pairs: ReadonlyMap<string, string>): Volume {
  if ((pairs.get('source') ?? '') !== '') throw new OcicatError('invalid', 'source for empty volume must be empty');
  if (pairs.has('recursive')) throw new OcicatError('invalid', 'recursive for empty volume cannot be set');
  return {
    kind: 'empty',
    name,
    readOnly: bool(pairs, 'readOnly'),
    mode: number(pairs, 'mode', 8, 0o755, MAX_MODE),
    uid: number(pairs, 'uid', 10, 0, MAX_ID),
    gid: number(pairs, 'gid', 10, 0, MAX_ID),
  };
}

function parseHost(name: string, pairs: ReadonlyMap<string, string>): Volume {
  const source = pairs.get('source') ?? '';
  if (source === '') throw new OcicatError('invalid', 'source for host volume cannot be empty');
  if (!source.startsWith('/')) throw new OcicatError('invalid', 'source for host volume must be absolute path');
  for (const key of ['mode', 'uid', 'gid']) {
    if (pairs.has(key)) throw new OcicatError('invalid', `${key} for host volume cannot be set`);
  }
  return { kind: 'host', name, source, readOnly: bool(pairs, 'readOnly'), recursive: bool(pairs, 'recursive') };
}

const volumeKeys = new Set(['kind', 'source', 'readOnly', 'recursive', 'mode', 'uid', 'gid']);

function parseFields(text: string): Volume {
  const [name = '', ...rest] = text.split(',');
  if (!isAcName(name)) throw new OcicatError('invalid', `volume name "${name}" is not a valid name`);
  const pairs = parsePairs(rest.join(','));
  for (const key of rest.length === 0 ? [] : pairs.keys()) {
    if (!volumeKeys.has(key)) throw new OcicatError('invalid', `unknown volume parameter "${key}"`);
  }
  const kind = pairs.get('kind');
  if (kind === 'host') return parseHost(name, pairs);
  if (kind === 'empty') return parseEmpty(name, pairs);
  throw new OcicatError('invalid', 'unrecognized volume kind: should be one of "empty", "host"');
}

/**
 * A value of `--volume`: `NAME,kind=host,source=/PATH[,readOnly=BOOL][,recursive=BOOL]` or
 * `NAME,kind=empty[,mode=…][,uid=…][,gid=…]`.
 */
export function parseVolume(text: string): Volume {
  try {
    return parseFields(text);
  } catch (cause) {
    throw new OcicatError('invalid', `invalid value in --volume flag "${text}"`, { cause });
  }
}

/** A value of `--mount`: `volume=NAME,target=PATH`. A relative target starts at the root. */
export function parseMount(text: string): Mount {
  const pairs = parsePairs(text);
  for (const key of pairs.keys()) {
    if (key !== 'volume' && key !== 'target') throw new OcicatError('invalid', `unknown mount parameter "${key}"`);
  }
  const volume = pairs.get('volume') ?? '';
  const target = pairs.get('target') ?? '';
  if (!isAcName(volume)) throw new OcicatError('invalid', `mount "${text}": volume "${volume}" is not a valid name`);
  if (target === '') throw new OcicatError('invalid', `mount "${text}": target is missing`);
  return { volume, path: target };
}

/** The path by which mounts of the same target are recognised. */
export function cleanTarget(path: string): string {
  return posix.normalize(`/${path}`).replace(/(?<=.)\/$/, '');
}
