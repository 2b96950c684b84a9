// Removes the files of an installation and what it has written. What the administrator has written stays, and is named.
import { lstatSync, readdirSync, readlinkSync, realpathSync, rmdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { mountsBelow, unmountBelow } from '../sys/mounts.ts';
import { removeTree } from '../sys/remove-tree.ts';
import {
  CONFIGURATION_DIRECTORIES,
  dataDirectories,
  INSTALL_ROOT,
  LINK_DIRECTORIES,
  SHARE_DIRECTORY,
} from './paths.ts';

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

export function removeDataDirectories(): readonly string[] {
  const removed = dataDirectories().flatMap(removeData);
  for (const directory of ['/var/lib/cni/networks', '/var/lib/cni']) removeEmpty(directory);
  return removed;
}

function isOwnLink(path: string): boolean {
  if (lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() !== true) return false;
  return readlinkSync(path).startsWith(`${INSTALL_ROOT}/`);
}

/** Links of pages and completions stand where the installation has the files. */
function shareLinks(): readonly string[] {
  const share = join(INSTALL_ROOT, 'share');
  const files = namesIn(INSTALL_ROOT).includes('share') ? [...new Bun.Glob('**').scanSync({ cwd: share })] : [];
  return files.map((file) => join(SHARE_DIRECTORY, file));
}

/** Directories that the installation may have made go with the last file in them. */
function removeEmptyAbove(path: string, top: string): void {
  for (let directory = dirname(path); directory !== top && removeEmpty(directory); directory = dirname(directory));
}

export function removeLinksToPrograms(): readonly string[] {
  const named = LINK_DIRECTORIES.flatMap((directory) => namesIn(directory).map((name) => join(directory, name)));
  const links = [...named, ...shareLinks()].filter(isOwnLink);
  for (const link of links) rmSync(link);
  for (const link of links) removeEmptyAbove(link, link.startsWith('/opt/') ? '/opt' : SHARE_DIRECTORY);
  return links.length === 0 ? [] : [`removed ${links.length} links to programs, pages and completions`];
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

export function removeEmptyConfiguration(): readonly string[] {
  return CONFIGURATION_DIRECTORIES.filter(
    (directory) => namesIn(directory).length === 0 && !isAbsent(directory),
  ).flatMap((directory) => (removeEmpty(directory) ? [`removed ${directory}`] : []));
}

function isAbsent(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) === undefined;
}

/** What the administrator has written, and keeps. */
export function observeConfiguration(): readonly string[] {
  return ['/etc/calico', '/etc/rkt'].filter((directory) => namesIn(directory).length > 0);
}
