// What every command gets: the global options, the caller's environment and where its output goes.
import { resolve } from 'node:path';
import { OcicatError } from '../../base/errors.ts';
import { parseQuantity } from '../../base/quantity.ts';
import type { Flag } from '../../cli/command.ts';
import { flagOn, flagValue, flagValues, type WithFlags } from '../../cli/flags.ts';
import { DEFAULT_MAX_IMAGE_BYTES } from '../../images/archive/allowance.ts';
import type { Stdio } from './output.ts';

/** Protections that `--insecure-options` lifts. */
type Protection = 'image' | 'tls' | 'ondisk' | 'http' | 'pubkey' | 'capabilities' | 'paths' | 'seccomp';

interface Directories {
  /** Pods and images; `/var/lib/rkt` unless configured. */
  readonly data: string | undefined;
  readonly system: string;
  readonly local: string;
  readonly user: string | undefined;
}

export interface Context {
  /** Leaf name of the command: `run`, `list`; the prefix of its messages. */
  readonly name: string;
  readonly directories: Directories;
  readonly debug: boolean;
  readonly lifted: ReadonlySet<Protection>;
  /** Limit of `--max-image-size`. */
  readonly maxImageBytes: number;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly stdio: Stdio;
}

export const globalFlags: readonly Flag[] = [
  { name: 'debug', doc: 'print out more debug information to stderr' },
  { name: 'dir', value: 'VALUE', usual: '"/var/lib/rkt"', doc: 'rkt data directory', isPath: true },
  {
    name: 'insecure-options',
    value: 'VALUE',
    usual: 'none',
    doc: 'comma-separated list of security features to disable: none image tls ondisk http pubkey capabilities paths seccomp all-fetch all-run all',
  },
  { name: 'local-config', value: 'VALUE', usual: '"/etc/rkt"', doc: 'local configuration directory', isPath: true },
  {
    name: 'max-image-size',
    value: 'VALUE',
    usual: '16Gi',
    doc: 'the most that a fetched image may unpack to; it may have one file for each 16Ki of it',
  },
  {
    name: 'system-config',
    value: 'VALUE',
    usual: '"/usr/lib/rkt"',
    doc: 'system configuration directory',
    isPath: true,
  },
  { name: 'user-config', value: 'VALUE', usual: '""', doc: 'user configuration directory', isPath: true },
];

const fetchProtections: readonly Protection[] = ['image', 'tls', 'http', 'pubkey'];
const runProtections: readonly Protection[] = ['capabilities', 'paths', 'seccomp'];

/** Values of `--insecure-options`. `ondisk`, `image` and `pubkey` name checks of signed archives, which are not read here. */
const insecureValues: Readonly<Record<string, readonly Protection[]>> = {
  none: [],
  image: ['image'],
  tls: ['tls'],
  ondisk: ['ondisk'],
  http: ['http'],
  pubkey: ['pubkey'],
  capabilities: ['capabilities'],
  paths: ['paths'],
  seccomp: ['seccomp'],
  'all-fetch': fetchProtections,
  'all-run': runProtections,
  all: [...fetchProtections, ...runProtections, 'ondisk'],
};

function parseInsecure(text: string): readonly Protection[] {
  return text.split(',').flatMap((name) => {
    const lifted = insecureValues[name];
    if (lifted !== undefined) return lifted;
    const wanted = Object.keys(insecureValues).join(', ');
    throw new OcicatError(
      'invalid',
      `invalid argument "${text}" for "--insecure-options" flag: "${name}" is not one of ${wanted}`,
    );
  });
}

function directory(line: WithFlags, name: string): string | undefined {
  const value = flagValue(line, name);
  if (value === '') throw new OcicatError('invalid', '"" is not a valid directory');
  return value === undefined ? undefined : resolve(value);
}

function parseImageSize(text: string | undefined): number {
  if (text === undefined) return DEFAULT_MAX_IMAGE_BYTES;
  const bytes = parseQuantity(text);
  if (bytes >= 1) return bytes;
  throw new OcicatError('invalid', `--max-image-size "${text}": must be more than nothing`);
}

/** The global options of a command line. Throws `invalid` for a bad value. */
export function parseGlobals(line: WithFlags): Pick<Context, 'directories' | 'debug' | 'lifted' | 'maxImageBytes'> {
  return {
    directories: {
      data: directory(line, 'dir'),
      system: directory(line, 'system-config') ?? '/usr/lib/rkt',
      local: directory(line, 'local-config') ?? '/etc/rkt',
      user: directory(line, 'user-config'),
    },
    debug: flagOn(line, 'debug'),
    maxImageBytes: parseImageSize(flagValue(line, 'max-image-size')),
    lifted: new Set(flagValues(line, 'insecure-options').flatMap(parseInsecure)),
  };
}

/** The kind of terminal that the caller has. */
export function callersTerm({ environment }: Pick<Context, 'environment'>): string {
  return environment.TERM || 'vt100';
}
