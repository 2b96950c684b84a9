// The tables of neighbours are one for the whole machine: on the links that the plugin of rkt's own networks makes, an app fills
// neither its host's by speaking as ever new senders, nor its own by sending to ever new ones.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseIp } from '../../src/net/ip.ts';
import { openWorld, type Running, type World } from '../support/host/world.ts';
import { printFrames } from './frames.ts';
import { asEverNew, FLOOD_SIZE, type HostEnd, injector, sendToEverNew } from './neighbour-flood.ts';

setDefaultTimeout(60_000);

/** The pod's links, and the host's address on them. */
const links = { 'default-restricted': ['eth0', '172.16.28.99'], default: ['eth1', '172.16.28.1'] } as const;
const networks = ['default-restricted', 'default'] as const;

let world: World;
let pod: Running;
let netns = '';

async function must(script: string): Promise<string> {
  const result = await world.run('sh', '-ec', script);
  if (result.status !== 0) throw new Error(`${script}: ${result.stderr}`);
  return result.stdout.trim();
}

const inPod = (command: string): Promise<string> => must(`nsenter --net=${netns} ${command}`);

/** As JSON that `ip` prints. */
async function shown(args: string, place: (command: string) => Promise<string> = must) {
  return JSON.parse(await place(`ip -j ${args}`));
}

/** The name of the host's end of the pod's link. */
async function hostLink(interfaceName: string): Promise<string> {
  const [{ link_index: index }] = await shown(`link show ${interfaceName}`, inPod);
  return (await shown('link')).find((link: { ifindex: number }) => link.ifindex === index).ifname;
}

async function hostEnd(name: string, ipv4: string): Promise<HostEnd> {
  const [{ address }] = await shown(`link show ${name}`);
  const [{ addr_info: addresses }] = await shown(`-6 address show ${name}`);
  return { mac: address, ipv4: parseIp(ipv4), ipv6: parseIp(addresses[0].local) };
}

beforeAll(async () => {
  world = await openWorld();
  const uuidFile = join(world.directory, 'pod');
  const options = ['--net=default,default-restricted', `--uuid-file-save=${uuidFile}`];
  pod = world.start('run', ...options, 'docker://busybox', '--exec=sh', '--', '-c', 'echo up; exec sleep 300');
  await pod.printed('up');
  netns = `/run/netns/cni-${readFileSync(uuidFile, 'utf8')}`;
  // a link asks for a second whether its IPv6 address is taken, before it sends from it
  const tentative = 'ip -6 -o address show tentative | grep -q .';
  await must(
    `for i in $(seq 100); do ${tentative} || nsenter --net=${netns} sh -c '${tentative}' || exit 0; sleep 0.05; done; exit 1`,
  );
});
afterAll(async () => {
  pod.kill('SIGTERM');
  await pod.ended;
  await world.close();
});

test.each(networks)('frames of ever new senders on %s leave no neighbour with the host', async (network) => {
  const [interfaceName, address] = links[network];
  const name = await hostLink(interfaceName);
  const [{ address: mac }] = await shown(`link show ${interfaceName}`, inPod);
  const file = join(world.directory, 'frames');
  writeFileSync(file, printFrames(asEverNew(mac, await hostEnd(name, address))));
  await inPod(`python3 -c '${injector(interfaceName)}' < ${file}`);
  for (const family of [4, 6]) {
    const known = (await must(`ip -${family} neigh show nud all dev ${name}`)).split('\n').filter(Boolean);
    expect(known.filter((line) => /^(172\.30|fe80::7777)/.test(line))).toEqual([]);
    expect(known.filter((line) => !/ (NOARP|PERMANENT)/.test(line))).toEqual([]);
  }
});

test.each(networks)('a flood on %s to ever new neighbours asks for nobody', async (network) => {
  const [interfaceName] = links[network];
  expect(await inPod(`setpriv --bounding-set=-all --inh-caps=-all python3 -c '${sendToEverNew(interfaceName)}'`)).toBe(
    'sent',
  );
  for (const family of [4, 6]) {
    const known = (await inPod(`ip -${family} neigh show nud all dev ${interfaceName}`)).split('\n').filter(Boolean);
    expect(known.filter((line) => line.includes(' NOARP')).length).toBeGreaterThanOrEqual(FLOOD_SIZE);
    expect(known.filter((line) => !/ (NOARP|PERMANENT)/.test(line))).toEqual([]);
  }
});
