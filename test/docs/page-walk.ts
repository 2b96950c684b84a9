// Types the commands of a page for a client into shells on the hosts of a lab, and says where they show something else.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type HostShell, openHostShell } from '../support/host/host-shell.ts';
import { type Lab, ocicat } from '../support/host/lab.ts';
import { isShown, parseTranscript, type Typed } from './transcript.ts';

const folder = join(import.meta.dir, '../../docs/clients');

/** Shells by the names of their hosts. */
export type Shells = ReadonlyMap<string, HostShell>;

export function openShells(lab: Lab, hosts: readonly string[]): Shells {
  return new Map(hosts.map((host) => [host, openHostShell(ocicat, lab.name, host)]));
}

/** Types one command; undefined when it shows what the page shows. */
async function type(shells: Shells, typed: Typed): Promise<string | undefined> {
  const shell = shells.get(typed.host);
  if (shell === undefined) return `line ${typed.line}: no host ${typed.host}`;
  // a client that reads standard input would swallow the commands that follow
  const { stdout } = await shell.run(`{ ${typed.command}\n} </dev/null 2>&1`);
  return isShown(typed, stdout) ? undefined : `line ${typed.line}: ${typed.host}# ${typed.command}\n${stdout}`;
}

/** Each command of the page that shows something else, with what it shows. */
export async function walkPage(shells: Shells, page: string): Promise<readonly string[]> {
  const typed = parseTranscript(readFileSync(join(folder, page), 'utf8'));
  if (typed.length < 4) return [`only ${typed.length} commands`];
  const different: string[] = [];
  for (const one of typed) {
    const text = await type(shells, one);
    if (text !== undefined) different.push(text);
  }
  return different;
}
