// Many containers at once, by real plugins: how many transactions of etcd they take.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import * as libc from '../../src/sys/libc.ts';
import { createNetns } from '../../src/sys/netns.ts';
import { type CniHost, openCniHost } from '../support/host/cni-host.ts';

const CONTAINERS = 100;
const CONFIG = { name: 'network1', cniVersion: '1.0.0', type: 'calico', ipam: { type: 'calico-ipam' } };

let host: CniHost;
const namespaces: number[] = [];
beforeAll(async () => {
  host = await openCniHost();
  for (let count = 0; count < CONTAINERS; count++) namespaces.push(createNetns());
});
afterAll(async () => {
  for (const fd of namespaces) libc.close(fd);
  await host.close();
});

/** Each transaction that writes is one revision. */
async function revision(): Promise<number> {
  return (await host.datastore.get('x')).revision;
}

async function call(command: 'ADD' | 'DEL', index: number): Promise<string> {
  const netns = `/proc/${process.pid}/fd/${namespaces[index]}`;
  const { status, output } = await host.call({ command, id: `burst-${index}`, netns, config: CONFIG });
  expect([status, status === 0 ? '' : output]).toEqual([0, '']);
  return output;
}

const all = (command: 'ADD' | 'DEL') => Promise.all(namespaces.map((_, index) => call(command, index)));

test('one ADD is one transaction, and so is one DEL', async () => {
  const start = await revision();
  await call('ADD', 0);
  expect(await revision()).toBe(start + 1);
  await call('DEL', 0);
  expect(await revision()).toBe(start + 2);
});

test('a hundred ADDs at once share transactions, and so do a hundred DELs', async () => {
  const start = await revision();
  const addresses = (await all('ADD')).map((output) => JSON.parse(output).ips[0].address);
  expect(new Set(addresses).size).toBe(CONTAINERS);
  const between = await revision();
  await all('DEL');
  const end = await revision();
  console.log(`${CONTAINERS} ADDs in ${between - start} transactions, ${CONTAINERS} DELs in ${end - between}`);
  // how many are under way together is the machine's doing: a plugin that starts late comes late
  expect([between - start < CONTAINERS / 2, end - between < CONTAINERS / 2]).toEqual([true, true]);
  expect(await host.etcd.ctl('get', '--prefix', '--keys-only', '/calico/ipam/v2/handle/')).toBe('');
});
