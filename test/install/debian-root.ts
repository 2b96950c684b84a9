// The root file system of a bare Debian, as mmdebstrap makes it, with the packages that the documents install lying in apt's
// cache: a host that has no way out installs them as any other does. Made once, and kept in the user's cache.
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { shortHash } from '../../src/base/hash.ts';

const SUITE = 'bookworm';
/** What makes it a host: systemd as process 1. */
const INCLUDED = ['systemd-sysv'];
const TIMEOUT_MS = 240_000;

const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'ocicat-test');

function must(command: readonly string[]): string {
  const { exitCode, stdout, stderr } = Bun.spawnSync([...command], {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: TIMEOUT_MS,
  });
  if (exitCode === 0) return stdout.toString();
  throw new Error(`${command[0]}: ${stderr.toString().trimEnd().split('\n').slice(-5).join('\n')}`);
}

/** Where this machine has its own packages from. */
function aptSources(): readonly string[] {
  const format = '$(REPO_URI) $(RELEASE) $(COMPONENT)';
  const lines = must(['apt-get', 'indextargets', '--format', format, 'Created-By: Packages']).split('\n');
  const own = [...new Set(lines)].filter((line) => line.includes(` ${SUITE}`));
  if (own.length === 0) throw new Error(`apt-get indextargets: this machine has no packages of ${SUITE}`);
  return own.map((line) => `deb ${line}`);
}

export interface Wanted {
  /** Names of packages that the documents install. */
  readonly alone: readonly string[];
  /** Such that come with those which they recommend. */
  readonly recommending: readonly string[];
}

/** With all that is wanted in apt's cache. Returns a tar archive; it takes half a minute the first time. */
export function provideDebianRoot({ alone, recommending }: Wanted): string {
  const download = (options: string, packages: readonly string[]) =>
    `--customize-hook=chroot "$1" apt-get install -y --download-only ${options} ${packages.join(' ')}`;
  const options = ['--variant=minbase', `--include=${INCLUDED.join(',')}`, '--skip=cleanup/apt', '--format=tar'];
  const recipe = [
    ...options,
    download('--no-install-recommends', alone),
    download('--install-recommends', recommending),
  ];
  const archive = join(cache, `debian-${SUITE}-${shortHash(recipe.join(' '), 16)}.tar`);
  if (existsSync(archive)) return archive;
  mkdirSync(cache, { recursive: true });
  for (const name of readdirSync(cache)) if (name.startsWith(`debian-${SUITE}-`)) rmSync(join(cache, name));
  must(['mmdebstrap', ...recipe, SUITE, `${archive}.new`, ...aptSources()]);
  renameSync(`${archive}.new`, archive);
  return archive;
}
