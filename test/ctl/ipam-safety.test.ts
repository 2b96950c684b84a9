// Addresses in a real etcd that are made wrong by hand: what ipam check finds, and what ipam release leaves alone.
import { afterAll, beforeAll, beforeEach, expect, test } from 'bun:test';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseDatastoreConfig } from '../../src/datastore/open/config.ts';
import { openDatastore } from '../../src/datastore/open/open.ts';
import type { Datastore } from '../../src/datastore/port.ts';
import { holderKey, printHolder } from '../../src/datastore/resource/node-holder.ts';
import { assignAddresses } from '../../src/ipam/ipam.ts';
import { openIpamView } from '../../src/ipam/view.ts';
import { formatIp } from '../../src/net/ip.ts';
import { type EtcdServer, startEtcd } from '../support/etcd/etcd-server.ts';
import { openSession, type Session } from './session.ts';

const signal = new AbortController().signal;
let etcd: EtcdServer;
let datastore: Datastore;
let session: Session;

beforeAll(async () => {
  etcd = await startEtcd();
  const environment = { ETCD_ENDPOINTS: etcd.endpoint };
  datastore = await openDatastore(parseDatastoreConfig({ kind: 'environment', environment }), signal);
  session = openSession(datastore);
});
afterAll(async () => {
  session?.close();
  await datastore?.close();
  await etcd?.stop();
});

const documents = (...all: readonly object[]) => all.map((one) => JSON.stringify(one)).join('\n---\n');
const document = (kind: string, name: string, spec: object) => ({
  kind,
  apiVersion: 'projectcalico.org/v3',
  metadata: { name },
  spec,
});

beforeEach(async () => {
  await etcd.ctl('del', '--prefix', '/calico/');
  const nodes = [document('Node', 'host1', {}), document('Node', 'host2', {})];
  const pool = document('IPPool', 'pool', { cidr: '10.77.0.0/24', blockSize: 26 });
  const { err } = await session.run('apply -f -', documents(pool, ...nodes));
  expect(err).toBe('');
});

/** Takes the next address as a host's agent would; without `endpoint` nothing uses it, or a container of `plugin`. */
async function take(container: string, host = 'host1', plugin?: string, family: 4 | 6 = 4): Promise<string> {
  const view = openIpamView(datastore, host);
  const request = {
    handleId: `network1.${container}`,
    attributes: { node: host, ...(plugin === undefined ? {} : { interface: plugin }) },
    use: 'Workload' as const,
    families: [family],
  };
  const [assigned] = await assignAddresses(
    { datastore, view, now: Date.now, report: () => undefined },
    request,
    signal,
  );
  if (assigned === undefined) throw new Error('no address was assigned');
  return formatIp(assigned.ip);
}

async function use(container: string, ip: string, host = 'host1'): Promise<void> {
  const name = `${host}-cni-${container}-eth0`;
  const spec = {
    orchestrator: 'cni',
    node: host,
    containerID: container,
    endpoint: 'eth0',
    ipNetworks: [`${ip}/${ip.includes(':') ? 128 : 32}`],
    interfaceName: `cali${container}`,
  };
  expect((await session.run('apply -f -', documents(document('WorkloadEndpoint', name, spec)))).err).toBe('');
}

/** Takes addresses until it is this one's turn, and returns who has it. */
async function takeAgain(ip: string): Promise<string> {
  for (let count = 0; count < 64; count++) if ((await take(`heir${count}`)) === ip) return `heir${count}`;
  throw new Error(`${ip} does not come again`);
}

const put = (key: string, value: string) => etcd.ctl('put', `/calico/ipam/v2/${key}`, value);
const remove = (key: string) => etcd.ctl('del', `/calico/ipam/v2/${key}`);
const blockOf = (ip: string) => `10.77.0.${Number(ip.split('.')[3]) & ~63}`;

test('ipam release --ip frees no address in use unless forced, and ipam check finds the two that then share it', async () => {
  const ip = await take('c1');
  await use('c1', ip);
  const refused = `release address "${ip}": it is in use by Workload(default/host1-cni-c1-eth0); whoever gets it next would share it, so delete its user first, or use --force\n`;
  for (const line of [`ipam release --ip ${ip}`, `ipam release --ip ${ip} --dry-run`])
    expect(await session.run(line)).toEqual({ status: 1, out: '', err: refused });
  expect((await session.run(`ipam show --ip ${ip}`)).out).toStartWith(`IP ${ip} is in use\n`);

  const forced = await session.run(`ipam release --ip ${ip} --force`);
  expect(forced.out).toBe(`Successfully released IP address ${ip}\n`);
  const next = await takeAgain(ip);
  await use(next, ip);
  expect((await session.run('ipam check')).out).toContain(
    `  address ${ip}: used by Workload(default/host1-cni-c1-eth0), Workload(default/host1-cni-${next}-eth0)\n`,
  );
});

test('ipam release --ip frees an address that nothing uses', async () => {
  const ip = await take('c1');
  expect((await session.run(`ipam release --ip ${ip}`)).out).toBe(`Successfully released IP address ${ip}\n`);
  expect((await session.run(`ipam release --ip ${ip}`)).err).toBe(`IP address ${ip} is not assigned\n`);
});

test('an address of a container of another plugin, or of a tunnel, counts as used', async () => {
  const [plugin, tunnel] = [await take('c1', 'host1', 'eth0'), await take('c2')];
  await session.run('apply -f -', documents(document('Node', 'host1', { ipv4VXLANTunnelAddr: tunnel })));
  const { out } = await session.run('ipam check --show-all-ips');
  expect(out).toContain(`  ${plugin} in use by Container(network1.c1/eth0)\n  ${tunnel} in use by Node(host1)\n`);
  expect(out).toEndWith('Check complete; found 0 problems.\n');
  for (const ip of [plugin, tunnel]) expect((await session.run(`ipam release --ip ${ip}`)).status).toBe(1);
  await session.run('delete node host1');
  const gone = await take('c3', 'host2', 'eth0');
  await etcd.ctl('del', '/calico/resources/v3/projectcalico.org/nodes/host2');
  expect((await session.run('ipam check --show-problem-ips')).out).toContain(`  ${gone} leaked;`);
});

test('while an endpoint cannot be read nobody knows what it uses', async () => {
  const ip = await take('c1');
  const report = join(session.folder, 'unreadable.json');
  await session.run(`ipam check -o ${report}`);
  await etcd.ctl('put', '/calico/resources/v3/projectcalico.org/workloadendpoints/default/odd', '{"spec"');
  const alone = await session.run(`ipam release --ip ${ip}`);
  expect([alone.status, alone.err.includes('it may be in use by what cannot be read')]).toEqual([1, true]);
  const all = await session.run(`ipam release --from-report ${report} --force`);
  expect([all.status, all.out, all.err.includes('nobody knows which addresses this uses')]).toEqual([1, '', true]);
  expect((await session.run(`ipam show --ip ${ip}`)).out).toStartWith(`IP ${ip} is in use\n`);
});

/** What ipam check says in its list of contradictions and writes into its report. */
async function contradictions(): Promise<{ readonly shown: readonly string[]; readonly reported: readonly object[] }> {
  const report = join(session.folder, 'report.json');
  const { out } = await session.run(`ipam check --output ${report}`);
  const shown =
    /records that contradict each other\.\.\.\n((?: {2}.*\n)*)/.exec(out)?.[1]?.trimEnd().split('\n  ') ?? [];
  const { contradictions: reported } = JSON.parse(readFileSync(report, 'utf8'));
  return { shown: shown.map((line) => line.trimStart()), reported };
}

test('ipam check finds doubles, affinities and blocks without each other, missing and dangling handles', async () => {
  const ip = await take('c1');
  await use('c1', ip);
  const block = `${blockOf(ip)}/26`;
  const path = `ipv4/block/${blockOf(ip)}-26`;
  const affinity = `host/host1/${path}`;
  expect(await contradictions()).toEqual({ shown: [], reported: [] });

  const cases: readonly (readonly [string, string, () => Promise<unknown>, () => Promise<unknown>, string])[] = [
    [
      'address-used-twice',
      ip,
      () => use('c9', ip, 'host2'),
      () => session.run('delete wep host2-cni-c9-eth0'),
      `address ${ip}: used by Workload(default/host1-cni-c1-eth0), Workload(default/host2-cni-c9-eth0)`,
    ],
    [
      'block-without-affinity',
      block,
      () => remove(affinity),
      () => put(affinity, '{"state":"confirmed","deleted":false}'),
      `block ${block}: belongs to host:host1, which has no affinity for it`,
    ],
    [
      'affinity-without-block',
      '10.77.1.0/26',
      () => put('host/host2/ipv4/block/10.77.1.0-26', '{"state":"confirmed","deleted":false}'),
      () => remove('host/host2/ipv4/block/10.77.1.0-26'),
      'affinity of host:host2 for 10.77.1.0/26: there is no such block',
    ],
    [
      'affinity-without-block',
      block,
      () => put(`host/host2/${path}`, '{"state":"confirmed","deleted":false}'),
      () => remove(`host/host2/${path}`),
      `affinity of host:host2 for ${block}: the block belongs to host:host1`,
    ],
    [
      'missing-handle',
      'network1.c1',
      () => remove('handle/network1.c1'),
      () => put('handle/network1.c1', JSON.stringify({ block: { [block]: 1 }, deleted: false })),
      `handle network1.c1: holds 1 addresses in ${block}, and is not recorded`,
    ],
    [
      'miscounting-handle',
      'network1.c1',
      () => put('handle/network1.c1', JSON.stringify({ block: { [block]: 3 }, deleted: false })),
      () => put('handle/network1.c1', JSON.stringify({ block: { [block]: 1 }, deleted: false })),
      `handle network1.c1: counts 3 addresses in ${block}, where it holds 1`,
    ],
  ];
  for (const [kind, name, spoil, mend, what] of cases) {
    await spoil();
    expect(await contradictions()).toEqual({ shown: [what], reported: [{ kind, name, what }] });
    await mend();
  }
  await put('handle/gone', JSON.stringify({ block: { [block]: 1 }, deleted: false }));
  const { out } = await session.run('ipam check --show-problem-ips');
  expect([out.includes('  handle gone has no IPs\n'), out.endsWith('found 1 problems.\n')]).toEqual([true, true]);
});

test('an address that two blocks hold is named', async () => {
  const ip = await take('c1');
  await use('c1', ip);
  const { kv } = await datastore.get(`/calico/ipam/v2/assignment/ipv4/block/${blockOf(ip)}-26`);
  const small = JSON.parse(kv?.value ?? '{}');
  const cidr = `${ip}/30`;
  const free = [1, 2, 3];
  await put(
    `assignment/ipv4/block/${ip}-30`,
    JSON.stringify({ ...small, cidr, affinity: null, allocations: [0, null, null, null], unallocated: free }),
  );
  expect((await contradictions()).shown[0]).toBe(`address ${ip}: held in the blocks ${blockOf(ip)}/26, ${cidr}`);
});

test('ipam release --from-report frees only what is unchanged and unused', async () => {
  const ips = [await take('c1'), await take('c2'), await take('c3')] as const;
  for (const name of ['gone', 'network1.back'])
    await put(`handle/${name}`, '{"block":{"10.77.0.0/26":1},"deleted":false}');
  const report = join(session.folder, 'leaks.json');
  await session.run(`ipam check -o ${report}`);
  const [leaked, used, changed] = ips;
  await use('c2', used);
  await session.run(`ipam release --ip ${changed}`);
  await takeAgain(changed);
  await take('back');
  const { out, err } = await session.run(`ipam release --from-report ${report} --force`);
  expect(err).toBe('');
  expect(out).toBe('Released 1 IPs successfully\nReleased 1 handles\n');
  const left = await etcd.ctl('get', '--keys-only', '--prefix', '/calico/ipam/v2/handle/');
  expect([left.includes('handle/gone'), left.includes('handle/network1.back')]).toEqual([false, true]);
  expect((await session.run(`ipam show --ip ${leaked}`)).out).toBe(`${leaked} is not assigned\n`);
  for (const ip of [used, changed])
    expect((await session.run(`ipam show --ip ${ip}`)).out).toStartWith(`IP ${ip} is in use\n`);
});

/** Answers for a node as its agent does, with these addresses in use; until stopped. */
function startAgent(node: string, inUse: () => readonly string[]): () => Promise<void> {
  const stopping = new AbortController();
  const answer = async () => {
    const { kvs } = await datastore.list('/calico/resources/v3/projectcalico.org/caliconodestatuses/');
    for (const { key, value } of kvs) {
      const question = JSON.parse(value);
      const { annotations } = question.metadata;
      if (question.spec.node !== node || annotations['ocicat/addresses'] !== undefined) continue;
      const asked: readonly string[] = annotations['ocicat/ask-addresses'].split(' ');
      annotations['ocicat/addresses'] = asked.filter((ip) => inUse().includes(ip)).join(' ') || 'none';
      await etcd.ctl('put', key, JSON.stringify(question));
    }
  };
  const run = async () => {
    while (!stopping.signal.aborted) {
      await answer();
      await Bun.sleep(20);
    }
  };
  const ended = run();
  return async () => {
    stopping.abort();
    await ended;
  };
}

test('an address that runs on its host is in use whatever the store says, and so is one of a host that does not answer', async () => {
  const [lives, gone] = [await take('c1'), await take('c2')];
  const holder = holderKey('host1', 'agent');
  await etcd.ctl(
    'put',
    holder,
    printHolder({ machine: 'm', boot: 'b', network: 'n', instance: 'i', hostname: 'h', since: '' }),
  );
  const report = join(session.folder, 'live.json');
  const stop = startAgent('host1', () => [lives]);
  const { out } = await session.run(`ipam check --show-all-ips -o ${report}`);
  expect(out).toContain(`  ${lives} in use by Namespace(host1)\n`);
  expect(out).toContain(`  ${gone} leaked;`);
  expect((await session.run(`ipam release --ip ${lives}`)).err).toContain('it is in use by Namespace(host1)');
  expect((await session.run(`ipam release --from-report ${report} --force`)).out).toStartWith('Released 1 IPs');
  expect((await session.run(`ipam show --ip ${lives}`)).out).toStartWith(`IP ${lives} is in use\n`);
  await stop();

  const silent = await session.run('ipam check --show-all-ips');
  expect(silent.out).toContain(`  ${lives} in use by Unknown(host1 does not answer)\n`);
  expect(
    await etcd.ctl('get', '--prefix', '--keys-only', '/calico/resources/v3/projectcalico.org/caliconodestatuses/'),
  ).toBe('');
  await etcd.ctl('del', holder);
}, 60_000);

test('an address that came to run between the report and the release is kept', async () => {
  const ip = await take('c1');
  const holder = holderKey('host1', 'agent');
  await etcd.ctl(
    'put',
    holder,
    printHolder({ machine: 'm', boot: 'b', network: 'n', instance: 'i', hostname: 'h', since: '' }),
  );
  const running: string[] = [];
  const stop = startAgent('host1', () => running);
  const report = join(session.folder, 'late.json');
  await session.run(`ipam check -o ${report}`);
  running.push(ip);
  expect((await session.run(`ipam release --from-report ${report} --force`)).out).toStartWith('Released 0 IPs');
  running.pop();
  expect((await session.run(`ipam release --from-report ${report} --force`)).out).toStartWith('Released 1 IPs');
  await stop();
  await etcd.ctl('del', holder);
}, 60_000);

test('a report with an address that is none frees nothing', async () => {
  const [first, second] = [await take('c1'), await take('c2')];
  const report = join(session.folder, 'leaks.json');
  await session.run(`ipam check -o ${report}`);
  writeFileSync(report, readFileSync(report, 'utf8').replaceAll(`"ip": "${second}"`, '"ip": "nowhere"'));
  const { err } = await session.run(`ipam release --from-report ${report} --force`);
  expect(err).toContain(`["${second}"][0].ip: found "nowhere", wanted an IPv4 or IPv6 address`);
  expect((await session.run(`ipam show --ip ${first}`)).out).toStartWith(`IP ${first} is in use\n`);
});

test('an address in use is kept, however a report writes it', async () => {
  await session.run('apply -f -', documents(document('IPPool', 'pool6', { cidr: 'fd00::/120', blockSize: 122 })));
  const ip = await take('c1', 'host1', undefined, 6);
  const report = join(session.folder, 'leaks.json');
  await session.run(`ipam check -o ${report}`);
  await use('c1', ip);
  writeFileSync(
    report,
    readFileSync(report, 'utf8').replaceAll(`"ip": "${ip}"`, `"ip": "${ip.replace('fd00::', 'FD00:0::')}"`),
  );
  const { out, err } = await session.run(`ipam release --from-report ${report} --force`);
  expect([err, out]).toEqual(['', 'Released 0 IPs successfully\nReleased 0 handles\n']);
  expect((await session.run(`ipam show --ip ${ip}`)).out).toStartWith(`IP ${ip} is in use\n`);
});
