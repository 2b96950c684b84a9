// The pages for clients, typed as they stand into shells on the hosts of a lab: the real podman, containerd, rkt and cnitool.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Lab, ocicat, openLab } from '../lab/lab.ts';
import { type HostShell, openHostShell } from '../support/host-shell.ts';
import { copyProgram, findCnitool, PODMAN_VARIABLES, prepareContainerd, preparePodman } from './client-hosts.ts';
import { isShown, parseTranscript, type Typed } from './transcript.ts';

const HOSTS = ['calico-01', 'calico-02'] as const;
const folder = join(import.meta.dir, '../../docs/clients');
const cnitool = findCnitool();

let lab: Lab;
let shells: ReadonlyMap<string, HostShell>;
beforeAll(async () => {
  lab = await openLab('clients', HOSTS.length);
  shells = new Map(HOSTS.map((host) => [host, openHostShell(ocicat, lab.name, host)]));
  for (const host of HOSTS) await preparePodman(lab, host);
  await prepareContainerd(lab, 'calico-01');
  for (const shell of shells.values()) await shell.run(PODMAN_VARIABLES);
}, 60_000);
afterAll(async () => {
  for (const shell of shells?.values() ?? []) await shell.close();
  await lab?.down();
});

/** Types a command, and again for some seconds while it shows something else: what is started in the background takes time. */
async function type(typed: Typed): Promise<string | undefined> {
  const shell = shells.get(typed.host);
  if (shell === undefined) return `line ${typed.line}: no host ${typed.host}`;
  // a client that reads standard input would swallow the commands that follow
  const { stdout } = await shell.run(`{ ${typed.command}\n} </dev/null 2>&1`);
  return isShown(typed, stdout) ? undefined : `line ${typed.line}: ${typed.host}# ${typed.command}\n${stdout}`;
}

async function walk(page: string): Promise<readonly string[]> {
  const typed = parseTranscript(readFileSync(join(folder, page), 'utf8'));
  expect(typed.length).toBeGreaterThan(3);
  const different: string[] = [];
  for (const one of typed) {
    const text = await type(one);
    if (text !== undefined) different.push(text);
  }
  return different;
}

async function showsAll(page: string): Promise<void> {
  expect(await walk(page)).toEqual([]);
}

const PROMISE = '%s: every command shows what the page shows';

test.each(['podman.md', 'rkt.md', 'several.md'])(PROMISE, showsAll, 120_000);

test.skipIf(cnitool === undefined).each(['cnitool.md', 'nomad.md'])(
  `${PROMISE}, where cnitool can be had`,
  async (page) => {
    if (cnitool !== undefined) await copyProgram(lab.name, cnitool, 'calico-01');
    await shells.get('calico-01')?.run('export PATH=/run/programs:$PATH');
    await showsAll(page);
  },
  120_000,
);

// the last one: what a detached container has left goes a minute after it
test.each(['containerd.md'])(PROMISE, showsAll, 120_000);
