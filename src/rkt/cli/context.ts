// What every command is given: the global options, the caller's environment and where its words go.
import { resolve } from 'node:path';
import { OcicatError } from '../../base/errors.ts';
import { DEFAULT_MAX_IMAGE_BYTES } from '../../images/archive/allowance.ts';
import { type FlagSpec, type FlagUse, isSet, lastFlag } from './flags.ts';
import type { Stdio } from './output.ts';
import { parseQuantity } from './quantity.ts';

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

export const globalFlags: readonly FlagSpec[] = [
  { name: 'debug', takes: 'boolean', initial: 'false', help: 'print out more debug information to stderr' },
  { name: 'dir', takes: 'text', initial: '"/var/lib/rkt"', help: 'rkt data directory' },
  {
    name: 'insecure-options',
    takes: 'text',
    initial: 'none',
    help: 'comma-separated list of security features to disable: none image tls ondisk http pubkey capabilities paths seccomp all-fetch all-run all',
  },
  { name: 'local-config', takes: 'text', initial: '"/etc/rkt"', help: 'local configuration directory' },
  {
    name: 'max-image-size',
    takes: 'text',
    initial: '16Gi',
    help: 'the most that a fetched image may unpack to; it may have one file for each 16Ki of it',
  },
  { name: 'system-config', takes: 'text', initial: '"/usr/lib/rkt"', help: 'system configuration directory' },
  { name: 'user-config', takes: 'text', initial: '""', help: 'user configuration directory' },
];

const fetchProtections: readonly Protection[] = ['image', 'tls', 'http', 'pubkey'];
const runProtections: readonly Protection[] = ['capabilities', 'paths', 'seccomp'];

/** Words of `--insecure-options`. `ondisk`, `image` and `pubkey` name checks of signed archives, which are not read here. */
const insecureWords: Readonly<Record<string, readonly Protection[]>> = {
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
  return text.split(',').flatMap((word) => {
    const lifted = insecureWords[word];
    if (lifted !== undefined) return lifted;
    const wanted = Object.keys(insecureWords).join(', ');
    throw new OcicatError(
      'invalid',
      `invalid argument "${text}" for "--insecure-options" flag: "${word}" is not one of ${wanted}`,
    );
  });
}

function directory(uses: readonly FlagUse[], name: string): string | undefined {
  const value = lastFlag(uses, name);
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
export function parseGlobals(
  uses: readonly FlagUse[],
): Pick<Context, 'directories' | 'debug' | 'lifted' | 'maxImageBytes'> {
  return {
    directories: {
      data: directory(uses, 'dir'),
      system: directory(uses, 'system-config') ?? '/usr/lib/rkt',
      local: directory(uses, 'local-config') ?? '/etc/rkt',
      user: directory(uses, 'user-config'),
    },
    debug: isSet(uses, 'debug'),
    maxImageBytes: parseImageSize(lastFlag(uses, 'max-image-size')),
    lifted: new Set(uses.filter((use) => use.name === 'insecure-options').flatMap((use) => parseInsecure(use.value))),
  };
}

/** The kind of terminal that the caller has. */
export function callersTerm({ environment }: Pick<Context, 'environment'>): string {
  return environment.TERM || 'vt100';
}
