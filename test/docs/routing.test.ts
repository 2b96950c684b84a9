// The page about routes between hosts, typed into shells on the hosts of a lab that has had no pods yet.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { type Lab, openLab } from '../support/host/lab.ts';
import { openShells, type Shells, walkPage } from './page-walk.ts';

const HOSTS = ['calico-01', 'calico-02'] as const;

let lab: Lab;
let shells: Shells;
beforeAll(async () => {
  lab = await openLab('routing', HOSTS.length);
  shells = openShells(lab, HOSTS);
}, 60_000);
afterAll(async () => {
  for (const shell of shells?.values() ?? []) await shell.close();
  await lab?.down();
});

test('routing.md: every command shows what the page shows', async () => {
  expect(await walkPage(shells, '../routing.md')).toEqual([]);
}, 120_000);
