// Addresses together with Calico's own programs: each side uses, releases and shows what the other has written. Where
// OCICAT_PEERS names no folder with their programs, what they answered is read from recorded/.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseBlock } from '../../src/blocks/block-json.ts';
import { BLOCKS_PREFIX, HANDLES_PREFIX } from '../../src/datastore/keys.ts';
import { parseDatastoreConfig } from '../../src/datastore/open/config.ts';
import { openDatastore } from '../../src/datastore/open/open.ts';
import type { Datastore } from '../../src/datastore/port.ts';
import { assignAddresses, type Ipam, releaseByHandle } from '../../src/ipam/ipam.ts';
import { openIpamView } from '../../src/ipam/view.ts';
import { formatIp, parseIp } from '../../src/net/ip.ts';
import { close } from '../../src/sys/libc.ts';
import { createNetns } from '../../src/sys/netns.ts';
import { type EtcdServer, startEtcd } from '../support/etcd/etcd-server.ts';
import { openRecording, type Recording, type Run, readPeerVersion } from '../support/recording.ts';

const peers = process.env.OCICAT_PEERS ?? '';
const present = peers !== '' && existsSync(join(peers, 'calico-ipam'));
const file = join(import.meta.dir, 'recorded/ipam.jsonl');

const signal = new AbortController().signal;
let etcd: EtcdServer;
let datastore: Datastore;
let ipam: Ipam;
/** A namespace that is not the host's: Calico's plugin insists on one. */
let netnsFd: number;
let recording: Recording;

const POOL = `
apiVersion: projectcalico.org/v3
kind: Node
metadata: {name: host1}
spec: {bgp: {ipv4Address: 10.99.0.1/24}}
---
apiVersion: projectcalico.org/v3
kind: IPPool
metadata: {name: pool}
spec: {cidr: 10.77.0.0/26}
`;

/** Eight blocks of four: each host takes from several, and borrows at the end. */
const NARROW = `
apiVersion: projectcalico.org/v3
kind: Node
metadata: {name: host2}
spec: {bgp: {ipv4Address: 10.99.0.2/24}}
---
apiVersion: projectcalico.org/v3
kind: IPPool
metadata: {name: narrow}
spec: {cidr: 10.78.0.0/27, blockSize: 30}
`;

/** A command: the program's name, then a container for the plugin, or arguments. Throws unless it succeeds. */
let calico: Run;

async function must(argv: readonly string[], input = ''): Promise<string> {
  const { status, out, err } = await calico(argv, input);
  if (status !== 0) throw new Error(`${argv.join(' ')}: ${out}${err}`);
  return out;
}

const calicoctl = (args: readonly string[], input = '') => must(['calicoctl', ...args], input);

const calicoIpam = (command: 'ADD' | 'DEL', container: string, args = '') =>
  must(['calico-ipam', command, container, args]);

/** What the plugin is told by its environment and its standard input; the host is host1 unless the words name another. */
function pluginCall(endpoint: string, [command, container, args, nodename = 'host1']: readonly string[]) {
  const config = {
    name: 'net',
    cniVersion: '1.0.0',
    type: 'calico',
    etcd_endpoints: endpoint,
    datastore_type: 'etcdv3',
    nodename,
    log_level: 'ERROR',
    ipam: { type: 'calico-ipam' },
  };
  const environment = {
    CNI_COMMAND: command ?? '',
    CNI_CONTAINERID: container ?? '',
    CNI_NETNS: `/proc/${process.pid}/fd/${netnsFd}`,
    CNI_IFNAME: 'eth0',
    CNI_PATH: peers,
    CNI_ARGS: args ?? '',
  };
  return { environment, input: JSON.stringify(config) };
}

/** Calico's programs read files of the host, so they get folders of their own. */
const FOLDERS =
  'mount -t tmpfs none /var/lib && mkdir /var/lib/calico && mount -t tmpfs none /run && mkdir /run/calico && printf host1 >/var/lib/calico/nodename && exec "$@"';

function runLive(endpoint: string): Run {
  return async ([program = '', ...words], text = '') => {
    const isPlugin = program === 'calico-ipam';
    const { environment, input } = isPlugin ? pluginCall(endpoint, words) : { environment: {}, input: text };
    const command = [join(peers, program), ...(isPlugin ? [] : words)];
    const child = Bun.spawn(['timeout', '60', 'unshare', '-m', 'sh', '-c', FOLDERS, 'sh', ...command], {
      stdin: new TextEncoder().encode(input),
      stdout: 'pipe',
      stderr: 'pipe',
      env: { PATH: process.env.PATH ?? '', DATASTORE_TYPE: 'etcdv3', ETCD_ENDPOINTS: endpoint, ...environment },
    });
    const [out, err] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
    return { status: await child.exited, out, err };
  };
}

const addressOf = (output: string): string => JSON.parse(output).ips[0].address;

/** Calico's programs beside what else is under way, which nobody can record. */
async function live(argv: readonly string[], input = ''): Promise<string> {
  const { status, out, err } = await runLive(etcd.endpoint)(argv, input);
  if (status !== 0) throw new Error(`${argv.join(' ')}: ${out}${err}`);
  return out;
}

const onHost2 = (command: 'ADD' | 'DEL', container: string) => live(['calico-ipam', command, container, '', 'host2']);

async function assign(container: string, exact?: string): Promise<string> {
  const request = {
    handleId: `net.${container}`,
    attributes: { node: 'host1' },
    use: 'Workload',
    families: [4],
    exact: exact === undefined ? [] : [parseIp(exact)],
  } as const;
  const [assigned] = await assignAddresses(ipam, request, signal);
  return assigned === undefined ? 'none' : `${formatIp(assigned.ip)}/${assigned.prefixLength}`;
}

beforeAll(async () => {
  netnsFd = createNetns();
  etcd = await startEtcd();
  const config = parseDatastoreConfig({ kind: 'environment', environment: { ETCD_ENDPOINTS: etcd.endpoint } });
  datastore = await openDatastore(config, signal);
  ipam = { datastore, view: openIpamView(datastore, 'host1'), now: Date.now, report: () => undefined };
  recording = openRecording(file, present ? runLive : undefined, {
    program: 'calicoctl and calico-ipam',
    version: readPeerVersion(peers),
  });
  calico = recording.openScene('addresses', { endpoint: etcd.endpoint, store: datastore });
  await calicoctl(['apply', '-f', '-'], POOL);
});

afterAll(async () => {
  recording?.close();
  await datastore?.close();
  await etcd?.stop();
  close(netnsFd);
});

test('Calico assigns from a block that we made, and we from it after that', async () => {
  expect(await assign('ours1')).toBe('10.77.0.0/26');
  expect(addressOf(await calicoIpam('ADD', 'theirs1'))).toBe('10.77.0.1/26');
  expect(await assign('ours2')).toBe('10.77.0.2/26');
  expect(addressOf(await calicoIpam('ADD', 'theirs2', 'IP=10.77.0.40'))).toBe('10.77.0.40/32');
  expect(await assign('ours3', '10.77.0.41')).toBe('10.77.0.41/32');
});

test('what one has taken the other refuses', async () => {
  await expect(assign('ours4', '10.77.0.40')).rejects.toThrow(
    'already assigned, held by "net.theirs2" on node "host1"',
  );
  await expect(calicoIpam('ADD', 'theirs3', 'IP=10.77.0.41')).rejects.toThrow('Address already assigned in block');
});

test("Calico's command line shows our addresses and finds nothing wrong", async () => {
  expect(await calicoctl(['ipam', 'show', '--show-blocks'])).toContain('10.77.0.0/26');
  expect(await calicoctl(['ipam', 'show', '--ip=10.77.0.2'])).toContain('net.ours2');
  expect(await calicoctl(['ipam', 'show', '--ip=10.77.0.3'])).toContain('not assigned');
});

test('each releases what the other assigned', async () => {
  const ports = { datastore, now: Date.now };
  expect((await releaseByHandle(ports, 'net.theirs1', signal)).map(formatIp)).toEqual(['10.77.0.1']);
  await calicoIpam('DEL', 'ours1');
  await calicoIpam('DEL', 'ours2');
  await calicoctl(['ipam', 'release', '--ip=10.77.0.41']);
  expect((await releaseByHandle(ports, 'net.theirs2', signal)).map(formatIp)).toEqual(['10.77.0.40']);
  expect(await etcd.ctl('get', '--prefix', '--keys-only', '/calico/ipam/v2/handle/')).toBe('');
  expect(
    JSON.parse(await etcd.ctl('get', '--print-value-only', '/calico/ipam/v2/assignment/ipv4/block/10.77.0.0-26'))
      .unallocated.length,
  ).toBe(64);
});

const AT_ONCE = 12;
const containers = (prefix: string) => Array.from({ length: AT_ONCE }, (_, index) => `${prefix}${index}`);

/** Addresses that blocks record as held, and handles. */
async function observeHeld(): Promise<readonly [addresses: number, handles: number]> {
  const blocks = (await datastore.list(BLOCKS_PREFIX)).kvs.map(({ value }) => parseBlock(value));
  const held = blocks.flatMap(({ allocations }) => allocations.filter((index) => index !== undefined));
  return [held.length, (await datastore.list(HANDLES_PREFIX)).kvs.length];
}

// what happens at once cannot be recorded
test.if(present)(
  "Calico's plugin on one host and ours on another, at once and out of one narrow pool: no address twice, each frees what it gave",
  async () => {
    await live(['calicoctl', 'delete', 'pool', 'pool']);
    await live(['calicoctl', 'apply', '-f', '-'], NARROW);
    const [mine, theirs] = [containers('mine'), containers('yours')];
    for (let round = 0; round < 2; round++) {
      const ours = Promise.all(mine.map((container) => assign(container)));
      const outputs = Promise.all(theirs.map((container) => onHost2('ADD', container)));
      const addresses = [...(await ours), ...(await outputs).map(addressOf)].map((one) => one.split('/')[0]);
      expect(new Set(addresses).size).toBe(2 * AT_ONCE);
      expect(await observeHeld()).toEqual([2 * AT_ONCE, 2 * AT_ONCE]);
      const ports = { datastore, cache: ipam.view, now: Date.now };
      const released = mine.map((container) => releaseByHandle(ports, `net.${container}`, signal));
      await Promise.all([...released, ...theirs.map((container) => onHost2('DEL', container))]);
      expect(await observeHeld()).toEqual([0, 0]);
    }
  },
  120_000,
);
