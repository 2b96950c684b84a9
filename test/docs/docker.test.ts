// The page for Docker, typed as it stands into shells on the hosts of a lab: Debian's engine and docker-compose.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { type Lab, openLab } from '../support/host/lab.ts';
import { endDocker, prepareDocker } from './docker-host.ts';
import { openShells, type Shells, walkPage } from './page-walk.ts';

const HOSTS = ['calico-01', 'calico-02'] as const;

let lab: Lab;
let shells: Shells;
beforeAll(async () => {
  lab = await openLab('docker', HOSTS.length);
  shells = openShells(lab, HOSTS);
  await Promise.all(HOSTS.map((host) => prepareDocker(lab, host)));
}, 120_000);
afterAll(async () => {
  for (const shell of shells?.values() ?? []) await shell.close();
  for (const host of HOSTS) await endDocker(lab, host);
  await lab?.down();
}, 30_000);

test('docker.md: every command shows what the page shows', async () => {
  expect(await walkPage(shells, 'docker.md')).toEqual([]);
}, 120_000);
