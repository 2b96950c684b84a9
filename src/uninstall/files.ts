// Removes the files of an installation and what it has written. What the administrator has written stays, and is named.
import { lstatSync, mkdirSync, readdirSync, readFileSync, realpathSync, rmdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { CONFIGURATION_DIRECTORIES, INSTALL_ROOT, PLACEMENTS, SHARE_DIRECTORY } from '../install/layout.ts';
import { isOwnLink, observePlaces, shareFiles } from '../install/places.ts';
import { mountsBelow, unmountBelow } from '../sys/mounts.ts';
import { removeTree } from '../sys/remove-tree.ts';
import { replaceFile } from '../sys/replace-file.ts';
import { dataDirectories, KEPT_LIST, runDirectories } from './paths.ts';

function namesIn(directory: string): readonly string[] {
  return lstatSync(directory, { throwIfNoEntry: false })?.isDirectory() === true ? readdirSync(directory) : [];
}

/** A directory that is empty goes; one with anything in it stays. False when it stays. */
function removeEmpty(directory: string): boolean {
  if (namesIn(directory).length > 0) return false;
  if (lstatSync(directory, { throwIfNoEntry: false })?.isDirectory() === true) rmdirSync(directory);
  return true;
}

/** All below it goes, and it too unless it is a file system of the administrator's own. */
function removeData(path: string): readonly string[] {
  if (lstatSync(path, { throwIfNoEntry: false }) === undefined) return [];
  const directory = realpathSync(path);
  const isMount = mountsBelow(directory).includes(directory);
  unmountBelow(directory, isMount ? [directory] : []);
  if (isMount) for (const name of namesIn(directory)) removeTree(join(directory, name));
  else removeTree(directory);
  return [`removed ${path}`];
}

/** That of programs that encrypt is not ours alone: it goes when nothing is in it. */
export function removeRunDirectories(): readonly string[] {
  const removed = runDirectories().flatMap(removeData);
  removeEmpty('/run/wireguard');
  return removed;
}

/** Returns those that are there. */
export function keepDataDirectories(): readonly string[] {
  const kept = dataDirectories().filter((directory) => !isAbsent(directory));
  mkdirSync(dirname(KEPT_LIST), { recursive: true });
  replaceFile(KEPT_LIST, kept.map((directory) => `${directory}\n`).join(''), 0o600);
  return kept;
}

export function removeDataDirectories(): readonly string[] {
  const removed = dataDirectories().flatMap(removeData);
  for (const directory of ['/var/lib/cni/networks', '/var/lib/cni']) removeEmpty(directory);
  return removed;
}

/** Directories that the installation may have made go with the last file in them. */
function removeEmptyAbove(path: string, top: string): void {
  for (let directory = dirname(path); directory !== top && removeEmpty(directory); directory = dirname(directory));
}

/** Links into the installation from the folders of others, and what a kill has left of making one. */
function observeLinksToPrograms(): readonly string[] {
  const folders = new Set(PLACEMENTS.filter(({ manner }) => manner === 'link').map(({ folder }) => folder));
  const named = [...folders].flatMap((folder) => namesIn(folder).map((name) => join(folder, name)));
  const shared = shareFiles(INSTALL_ROOT).flatMap((file) =>
    ['', '.new'].map((end) => join(SHARE_DIRECTORY, `${file}${end}`)),
  );
  return [...named, ...shared].filter(isOwnLink);
}

export function removeLinksToPrograms(): readonly string[] {
  const links = observeLinksToPrograms();
  for (const link of links) rmSync(link);
  for (const link of links) removeEmptyAbove(link, link.startsWith('/opt/') ? '/opt' : SHARE_DIRECTORY);
  return links.length === 0 ? [] : [`removed ${links.length} links to programs, pages and completions`];
}

/** What was put where the administrator writes, and is still as it was. */
export function removeDefaults(): readonly string[] {
  const defaults = observePlaces(INSTALL_ROOT).filter(({ manner }) => manner === 'default');
  for (const { path } of defaults) rmSync(`${path}.new`, { force: true });
  const untouched = defaults.filter(({ path, file }) => isSame(path, file)).map(({ path }) => path);
  for (const path of untouched) rmSync(path);
  return untouched.map((path) => `removed ${path}`);
}

function isSame(path: string, file: string): boolean {
  if (isAbsent(file) || lstatSync(path, { throwIfNoEntry: false })?.isFile() !== true) return false;
  return readFileSync(path).equals(readFileSync(file));
}

/** Where runtimes keep the namespaces of pods, a mount of its own since the first one: nobody has one any more. */
export function removeNamespaceDirectory(): readonly string[] {
  const directory = '/run/netns';
  if (namesIn(directory).length > 0 || isAbsent(directory)) return [];
  unmountBelow(directory);
  return removeEmpty(directory) ? [`removed ${directory}`] : [];
}

/** Last of all: until then the command can be called again. */
export function removePrograms(): readonly string[] {
  return removeData(INSTALL_ROOT);
}

/** One within the other goes first. */
export function removeEmptyConfiguration(): readonly string[] {
  return CONFIGURATION_DIRECTORIES.flatMap((directory) =>
    !isAbsent(directory) && removeEmpty(directory) ? [`removed ${directory}`] : [],
  );
}

function isAbsent(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) === undefined;
}

/** What the administrator has written, and keeps. */
export function observeConfiguration(): readonly string[] {
  return ['/etc/calico', '/etc/rkt'].filter((directory) => namesIn(directory).length > 0);
}
