// The command line of run, prepare and fetch: pod options, then images, each with its own options and arguments.
import { tryParseBoolean } from '../../base/boolean.ts';
import { OcicatError } from '../../base/errors.ts';
import { cutFlags, looksLikeFlag } from '../../cli/arguments.ts';
import type { Flag } from '../../cli/command.ts';
import { type FlagValue, flagValues, readFlags, type WithFlags } from '../../cli/flags.ts';
import { describeFault } from '../cli/faults.ts';
import { parseMemory, parseMilliCpu } from '../cli/quantity.ts';
import { type CapabilityRule, parseCapabilities } from './capabilities.ts';
import { cleanTarget, isAcName, type Mount, parseMount } from './volume.ts';

/** The most that Linux can count to: PID_MAX_LIMIT. */
export const MAX_PIDS = 4_194_304;

/** What was asked for one app; undefined and empty mean: as the image says. */
export interface AppRequest {
  readonly image: string;
  readonly name?: string;
  readonly exec?: string;
  /** What stands behind `--`. */
  readonly args: readonly string[];
  readonly workingDirectory?: string;
  readonly user?: string;
  readonly group?: string;
  readonly supplementaryGids?: readonly number[];
  readonly environment: ReadonlyMap<string, string>;
  readonly annotations: ReadonlyMap<string, string>;
  readonly mounts: readonly Mount[];
  readonly readOnlyRootfs?: boolean;
  readonly memoryBytes?: number;
  readonly milliCpu?: number;
  readonly cpuShares?: number;
  readonly oomScoreAdj?: number;
  /** 0 for no limit. */
  readonly pids?: number;
  readonly capabilities: CapabilityRule;
}

/** `flags` are those of the pod and global ones. */
export interface AppArguments extends WithFlags {
  readonly apps: readonly AppRequest[];
  /** Mounts given before the first image: for every app. */
  readonly mounts: readonly Mount[];
}

const text = (name: string, doc: string, usual?: string): Flag => ({
  name,
  value: 'VALUE',
  doc,
  ...(usual === undefined ? {} : { usual }),
});

/** Options that follow an image. */
export const appFlags: readonly Flag[] = [
  text(
    'annotation',
    'set the app\'s annotations, which it finds at the metadata service (example: "--annotation=foo=bar")',
  ),
  text('caps-remove', 'capability to remove from the process, comma-separated'),
  text('caps-retain', 'capability to retain in the process, comma-separated'),
  text('cpu', 'cpu limit for the preceding image (example: "--cpu=500m")'),
  text('cpu-shares', 'cpu-shares assigns the specified CPU time share weight (2 to 262144)'),
  text('environment', 'set the app\'s environment variables (example: "--environment=foo=bar")'),
  text('exec', 'override the exec command for the preceding image'),
  text('group', 'group override for the preceding image (example: "--group=group")'),
  text('memory', 'memory limit for the preceding image (example: "--memory=16Mi", "--memory=50M", "--memory=1G")'),
  text('mount', 'mount point binding a volume to a path within an app, e.g. volume=NAME,target=PATH'),
  text(
    'name',
    'set the name of the app (example: "--name=foo"). If not set, then the app name defaults to the image\'s name',
  ),
  text('oom-score-adj', 'oom-score-adj isolator override (-1000 to 1000)'),
  text('pids-limit', 'most processes and threads of the preceding image, 0 or -1 for no limit', '2048'),
  text('readonly-rootfs', "if set to true, the app's root file system is mounted read-only"),
  text(
    'supplementary-gids',
    'supplementary group IDs override for the preceding image (example: "--supplementary-gids=1024,2048")',
  ),
  text('user', 'user override for the preceding image (example: "--user=user")'),
  text('working-dir', 'override the working directory of the preceding image'),
];

/** Takes an option value for one app and returns the changed app. */
type Apply = (app: AppRequest, value: string) => AppRequest;

function integer(flag: string, value: string, min: number, max: number): number {
  const number = /^-?\d+$/.test(value) ? Number(value) : Number.NaN;
  if (number >= min && number <= max) return number;
  throw new OcicatError('invalid', `--${flag} "${value}": wanted a whole number from ${min} to ${max}`);
}

/** appc's rule for names of annotations. */
const IDENTIFIER = /^[a-z0-9]+([-._~/][a-z0-9]+)*$/;

function annotation(app: AppRequest, value: string): AppRequest {
  const [name, text] = parsePair('annotation', value);
  if (!IDENTIFIER.test(name)) {
    const wanted = 'lower-case letters and digits, with one of -._~/ between them';
    throw new OcicatError('invalid', `--annotation "${value}": name "${name}": wanted ${wanted}`);
  }
  return { ...app, annotations: new Map([...app.annotations, [name, text]]) };
}

/** Splits `K=V`; the value may hold further equals signs. Throws `invalid` if there is no name or no equals sign. */
function parsePair(flag: string, value: string): readonly [name: string, value: string] {
  const equals = value.indexOf('=');
  if (equals < 1) throw new OcicatError('invalid', `invalid format of --${flag} flag "${value}"`);
  return [value.slice(0, equals), value.slice(equals + 1)];
}

function capabilityRule(app: AppRequest, kind: 'retain' | 'remove', value: string): AppRequest {
  if (app.capabilities.kind !== 'default' && app.capabilities.kind !== kind) {
    throw new OcicatError('invalid', 'cannot use both --caps-retain and --caps-remove on the same image');
  }
  const before = app.capabilities.kind === kind ? app.capabilities.set : [];
  return { ...app, capabilities: { kind, set: [...before, ...parseCapabilities(value)] } };
}

function parseGids(value: string): readonly number[] {
  return value.split(',').map((gid) => integer('supplementary-gids', gid, 0, 0xfffffffe));
}

function readOnlyRootfs(app: AppRequest, value: string): AppRequest {
  const parsed = tryParseBoolean(value);
  if (parsed === undefined) throw new OcicatError('invalid', '--readonly-rootfs must be set with a boolean');
  return { ...app, readOnlyRootfs: parsed };
}

function appName(app: AppRequest, value: string): AppRequest {
  if (!isAcName(value))
    throw new OcicatError('invalid', `--name "${value}": wanted lower-case letters, digits and dashes`);
  return { ...app, name: value };
}

function workingDirectory(app: AppRequest, value: string): AppRequest {
  if (!value.startsWith('/')) throw new OcicatError('invalid', `--working-dir "${value}": wanted an absolute path`);
  return { ...app, workingDirectory: value };
}

function execOverride(app: AppRequest, value: string): AppRequest {
  if (app.exec !== undefined) throw new OcicatError('invalid', '--exec specified multiple times for the same image');
  if (value === '') throw new OcicatError('invalid', '--exec: wanted a path');
  return { ...app, exec: value };
}

const apply: Readonly<Record<string, Apply>> = {
  annotation,
  'caps-remove': (app, value) => capabilityRule(app, 'remove', value),
  'caps-retain': (app, value) => capabilityRule(app, 'retain', value),
  cpu: (app, value) => ({ ...app, milliCpu: parseMilliCpu(value) }),
  'cpu-shares': (app, value) => ({ ...app, cpuShares: integer('cpu-shares', value, 2, 262_144) }),
  environment: (app, value) => ({
    ...app,
    environment: new Map([...app.environment, parsePair('environment', value)]),
  }),
  exec: execOverride,
  group: (app, value) => ({ ...app, group: value }),
  memory: (app, value) => ({ ...app, memoryBytes: parseMemory(value) }),
  mount: (app, value) => ({ ...app, mounts: [...app.mounts, parseMount(value)] }),
  name: appName,
  'oom-score-adj': (app, value) => ({ ...app, oomScoreAdj: integer('oom-score-adj', value, -1000, 1000) }),
  'pids-limit': (app, value) => ({ ...app, pids: Math.max(integer('pids-limit', value, -1, MAX_PIDS), 0) }),
  'readonly-rootfs': readOnlyRootfs,
  'supplementary-gids': (app, value) => ({ ...app, supplementaryGids: parseGids(value) }),
  user: (app, value) => ({ ...app, user: value }),
  'working-dir': workingDirectory,
};

/** Takes the arguments up to the next lone `---`, and that. */
function takeArgs(rest: string[]): readonly string[] {
  const end = rest.indexOf('---');
  const args = rest.splice(0, end < 0 ? rest.length : end);
  rest.shift();
  return args;
}

interface Progress {
  flags: FlagValue[];
  apps: AppRequest[];
  mounts: Mount[];
  /** Whether the latest image has had its `--`. */
  argued: boolean;
}

function applyFlag(progress: Progress, { name, value }: FlagValue): void {
  const change = apply[name];
  if (change === undefined) {
    progress.flags.push({ name, value });
    return;
  }
  const app = progress.apps.pop();
  if (app !== undefined) progress.apps.push(change(app, value));
  else if (name === 'mount') progress.mounts.push(parseMount(value));
  else throw new OcicatError('invalid', `--${name} must follow an image`);
}

function applyArgs(progress: Progress, rest: string[]): void {
  const app = progress.apps.at(-1);
  if (app === undefined) throw new OcicatError('invalid', 'an image is required before any app arguments');
  if (progress.argued) throw new OcicatError('invalid', 'only one set of app arguments allowed per image');
  progress.apps.splice(-1, 1, { ...app, args: takeArgs(rest) });
  progress.argued = true;
}

function applyImage(progress: Progress, image: string): void {
  progress.apps.push({
    image,
    args: [],
    environment: new Map(),
    annotations: new Map(),
    mounts: [],
    capabilities: { kind: 'default' },
  });
  progress.argued = false;
}

function refuseDangling(progress: Progress, volumes: ReadonlySet<string>): void {
  for (const mount of [...progress.mounts, ...progress.apps.flatMap((app) => app.mounts)]) {
    if (!volumes.has(mount.volume)) {
      throw new OcicatError('invalid', `dangling mount point "${mount.path}": volume "${mount.volume}" not found`);
    }
  }
}

/**
 * Reads the arguments of run or prepare. `podFlags` may stand anywhere outside app arguments. Throws `invalid`; the caller
 * tells an option that does not exist from a wrong value by nothing but the message.
 */
export function parseAppArguments(podFlags: readonly Flag[], argv: readonly string[]): AppArguments {
  const known = [...podFlags, ...appFlags];
  const progress: Progress = { flags: [], apps: [], mounts: [], argued: false };
  const rest = [...argv];
  for (let argument = rest.shift(); argument !== undefined; argument = rest.shift()) {
    if (argument === '--') applyArgs(progress, rest);
    else if (looksLikeFlag(argument) && argument !== '---') {
      for (const flag of readFlags({ describeFault }, cutFlags(argument, rest, known), known))
        applyFlag(progress, flag);
    } else if (argument !== '' && argument !== '---') applyImage(progress, argument);
  }
  const { flags, apps, mounts } = progress;
  refuseDangling(progress, new Set(flagValues(progress, 'volume').map((volume) => volume.split(',')[0] ?? '')));
  return { flags, apps, mounts };
}

/** The app's mounts and, where it has none on the same target, the pod's. */
export function mergeMounts(podMounts: readonly Mount[], appMounts: readonly Mount[]): readonly Mount[] {
  const own = new Set(appMounts.map((mount) => cleanTarget(mount.path)));
  return [...podMounts.filter((mount) => !own.has(cleanTarget(mount.path))), ...appMounts];
}
