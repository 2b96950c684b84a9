// The pages for clients, typed as they stand into shells on the hosts of a lab: the real podman, containerd, rkt and cnitool.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { findCnitool } from '../support/host/go-programs.ts';
import { type Lab, openLab } from '../support/host/lab.ts';
import { copyProgram, PODMAN_VARIABLES, prepareContainerd, preparePodman } from './client-hosts.ts';
import { openShells, type Shells, walkPage } from './page-walk.ts';

const HOSTS = ['calico-01', 'calico-02'] as const;
const cnitool = findCnitool();

let lab: Lab;
let shells: Shells;
beforeAll(async () => {
  lab = await openLab('clients', HOSTS.length);
  shells = openShells(lab, HOSTS);
  for (const host of HOSTS) await preparePodman(lab, host);
  await prepareContainerd(lab, 'calico-01');
  for (const shell of shells.values()) await shell.run(PODMAN_VARIABLES);
}, 60_000);
afterAll(async () => {
  for (const shell of shells?.values() ?? []) await shell.close();
  await lab?.down();
});

async function showsAll(page: string): Promise<void> {
  expect(await walkPage(shells, page)).toEqual([]);
}

const PROMISE = '%s: every command shows what the page shows';

test.each(['podman.md', 'podman-5.md', 'rkt.md', '../why.md', '../hosts.md', '../bgp.md', 'several.md', 'lxc.md'])(
  PROMISE,
  showsAll,
  120_000,
);

test.skipIf(cnitool === undefined).each(['cnitool.md', 'nomad.md'])(
  `${PROMISE}, where cnitool can be had`,
  async (page) => {
    if (cnitool !== undefined) await copyProgram(lab, cnitool, 'calico-01');
    await shells.get('calico-01')?.run('export PATH=/run/programs:$PATH');
    await showsAll(page);
  },
  120_000,
);

test.each(['../names.md'])(PROMISE, showsAll, 120_000);

// the last one: what a detached container has left goes a minute after it
test.each(['containerd.md'])(PROMISE, showsAll, 120_000);
