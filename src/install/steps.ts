// Puts the build that this program is in on this host, file by file; each may be done again after a kill at any moment.
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { OcicatError } from '../base/errors.ts';
import { escapeLine } from '../base/escape.ts';
import type { SingleHandler } from '../cli/single-command.ts';
import { writeLine } from '../sys/output.ts';
import { CONFIGURATION_DIRECTORIES, FILES, INSTALL_ROOT, modeOf, PROGRAMS } from './layout.ts';
import { isOwn, isPackaged, observePlaces, type Place, shareFiles } from './places.ts';
import { putFile, putLink } from './put.ts';

/** `dist`, or the installation itself: what this program is in the folder `bin` of. */
const buildRoot = () => dirname(dirname(process.execPath));

const fail = (reason: string): never => {
  throw new OcicatError('denied', reason);
};

/** Before the first change: what is in the way is named whole. */
function refuse(build: string, places: readonly Place[]): void {
  if (process.getuid?.() !== 0) fail('it must be run as root');
  if (isPackaged())
    fail('this host has the Debian package "ocicat"; "apt install ./ocicat_VERSION_ARCHITECTURE.deb" upgrades it');
  const missing = FILES.filter((file) => !existsSync(join(build, file)));
  if (missing.length > 0)
    throw new OcicatError('not-found', `"${build}" is no whole build: it lacks ${missing.join(', ')}`);
  const others = places.filter((place) => !isOwn(place)).map(({ path }) => path);
  if (others.length > 0)
    fail(`of another program, and in the way: ${others.map(escapeLine).join(', ')}; remove it first`);
}

/** Programs after what they load; returns the paths that have changed. */
function putBuild(build: string): readonly string[] {
  if (build === INSTALL_ROOT) return [];
  const files = [...FILES, ...shareFiles(build).map((file) => `share/${file}`)];
  const changed = files.filter((file) => putFile(join(build, file), join(INSTALL_ROOT, file), modeOf(file)));
  const [executable, ...links] = PROGRAMS;
  const made = links.map((name) => `bin/${name}`).filter((link) => putLink(join(INSTALL_ROOT, link), executable));
  return [...changed, ...made].map((file) => join(INSTALL_ROOT, file));
}

/** Pages and completions of commands that are no more. */
function removeFormerShare(build: string): readonly string[] {
  const kept = new Set(shareFiles(build));
  const former = shareFiles(INSTALL_ROOT).filter((file) => !kept.has(file));
  for (const file of former) {
    const [link] = observePlaces(INSTALL_ROOT).filter((place) => place.file === join(INSTALL_ROOT, 'share', file));
    if (link !== undefined && isOwn(link)) rmSync(link.path, { force: true });
    rmSync(join(INSTALL_ROOT, 'share', file));
  }
  return former.map((file) => join(INSTALL_ROOT, 'share', file));
}

function put({ path, file, manner }: Place): boolean {
  if (manner === 'link') return putLink(path, file);
  return manner === 'copy' || !existsSync(path) ? putFile(file, path, modeOf(file)) : false;
}

/** systemd reads its units anew where it is process 1: sd_booted(3). */
function reloadUnits(): void {
  if (existsSync('/run/systemd/system'))
    Bun.spawnSync(['systemctl', 'daemon-reload'], { stdio: ['ignore', 'ignore', 'ignore'] });
}

/** Says a line for each thing that it has changed. */
export const install: SingleHandler = async () => {
  const build = buildRoot();
  const places = observePlaces(build);
  refuse(build, places);
  for (const folder of CONFIGURATION_DIRECTORIES) mkdirSync(folder, { recursive: true, mode: 0o755 });
  const removed = removeFormerShare(build);
  const files = putBuild(build);
  const placed = places.filter(put);
  if (placed.some(({ manner }) => manner === 'copy')) reloadUnits();
  const lines = [
    ...removed.map((path) => `removed ${path}`),
    ...files.map((path) => `installed ${path}`),
    ...placed.map(({ path, file, manner }) => (manner === 'link' ? `linked ${path} to ${file}` : `installed ${path}`)),
  ];
  for (const line of lines.length === 0 ? ['all of it is installed'] : lines) writeLine(escapeLine(line));
  return 0;
};
