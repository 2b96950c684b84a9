// Debian packages that only a benchmark's peer needs.

/** Installs what is missing; throws when that fails. */
export function installPackages(names: readonly string[]): void {
  const isThere = (name: string) => / installed$/m.test(Bun.spawnSync(['dpkg-query', '-s', name]).stdout.toString());
  const missing = names.filter((name) => !isThere(name));
  if (missing.length === 0) return;
  const command = ['apt-get', 'install', '-y', '-q', '--no-install-recommends', ...missing];
  const { exitCode } = Bun.spawnSync(command, { stdio: ['ignore', 'ignore', 'inherit'] });
  if (exitCode !== 0) throw new Error(`install ${missing.join(', ')}: apt-get failed`);
}
