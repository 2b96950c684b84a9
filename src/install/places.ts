// The table of what goes where, as it is on this host: each place with what is to be there, and whose is what is there.
import { existsSync, lstatSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { INSTALL_ROOT, PLACEMENTS, PROGRAMS, SHARE_DIRECTORY } from './layout.ts';

export interface Place {
  readonly path: string;
  /** The file of the installation that is linked or copied. */
  readonly file: string;
  readonly manner: 'link' | 'copy' | 'default';
}

/** Files below `share` of a build or installation. */
export function shareFiles(root: string): readonly string[] {
  const share = join(root, 'share');
  return existsSync(share) ? [...new Bun.Glob('**').scanSync({ cwd: share })].sort() : [];
}

/** Every place on this host for a build or installation at `root`; folders of others count where they are. */
export function observePlaces(root: string): readonly Place[] {
  const placed = PLACEMENTS.filter(({ folder, isOfOthers }) => isOfOthers !== true || existsSync(folder));
  return [
    ...placed.flatMap(({ source, names, file, folder, manner }) =>
      names.map((name) => ({ path: join(folder, name), file: join(INSTALL_ROOT, source, file ?? name), manner })),
    ),
    ...shareFiles(root).map((file): Place => {
      return { path: join(SHARE_DIRECTORY, file), file: join(INSTALL_ROOT, 'share', file), manner: 'link' };
    }),
  ];
}

export function isOwnLink(path: string): boolean {
  if (lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() !== true) return false;
  return readlinkSync(path).startsWith(`${INSTALL_ROOT}/`);
}

/** A unit of that name which runs something else is somebody else's. */
function isOwnUnit(path: string): boolean {
  if (lstatSync(path, { throwIfNoEntry: false })?.isFile() !== true) return false;
  return /^(ExecStart=\/usr\/(lib\/ocicat|bin)\/|Description=rkt: )/m.test(readFileSync(path, 'utf8'));
}

/** Whether what is at a place came from an installation, or nothing is there. What is there by default is nobody's to replace. */
export function isOwn({ path, manner }: Place): boolean {
  if (lstatSync(path, { throwIfNoEntry: false }) === undefined) return true;
  return manner === 'link' ? isOwnLink(path) : manner === 'default' || isOwnUnit(path);
}

/** Whether the programs are a Debian package's. */
export function isPackaged(): boolean {
  const executable = join(INSTALL_ROOT, 'bin', PROGRAMS[0]);
  const ask = ['dpkg-query', '--search', executable];
  return (
    Bun.which('dpkg-query') !== null && Bun.spawnSync(ask, { stdio: ['ignore', 'ignore', 'ignore'] }).exitCode === 0
  );
}
