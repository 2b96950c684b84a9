// The addresses of a host inside of tunnels: given, published on the Node, kept and released as Calico does it, whatever is killed.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { type AgentHost, openAgentHost } from '../support/host/agent-host.ts';

const RESOURCES = '/calico/resources/v3/projectcalico.org';
const NODE_KEY = `${RESOURCES}/nodes/node-1`;
/** Calico's own derivation: the letter f and five bytes of SHA-1 of `node-1`, and of `node-1-v6`. */
const MACS = { 4: macOf('node-1'), 6: macOf('node-1-v6') };
let host: AgentHost;

function macOf(name: string): string {
  const hash = new Bun.CryptoHasher('sha1').update(name).digest();
  return ['66', ...[...hash.subarray(0, 5)].map((byte) => byte.toString(16).padStart(2, '0'))].join(':');
}

interface Spec {
  readonly ipv4VXLANTunnelAddr?: string;
  readonly ipv6VXLANTunnelAddr?: string;
  readonly vxlanTunnelMACAddr?: string;
  readonly vxlanTunnelMACAddrV6?: string;
  readonly [field: string]: unknown;
}

async function read(key: string): Promise<string> {
  return (await host.etcd.ctl('get', '--print-value-only', key)).trim();
}

async function nodeSpec(): Promise<Spec> {
  return JSON.parse(await read(NODE_KEY)).spec;
}

async function editNode(edit: (spec: Spec) => Spec): Promise<void> {
  const node = JSON.parse(await read(NODE_KEY));
  await host.etcd.ctl('put', NODE_KEY, JSON.stringify({ ...node, spec: edit(node.spec) }));
}

async function until<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
  for (let tries = 0; tries < 200; tries++) {
    const value = await look();
    if (value !== undefined) return value;
    await Bun.sleep(25);
  }
  throw new Error(`${what}: ${JSON.stringify(await nodeSpec())}\n${host.log()}`);
}

const untilAddress = (prefix: string, field = 'ipv4VXLANTunnelAddr') =>
  until(`an address in ${prefix}`, async () => {
    const address = (await nodeSpec())[field];
    return typeof address === 'string' && address.startsWith(prefix) ? address : undefined;
  });

async function putPool(name: string, spec: object): Promise<void> {
  const full = { blockSize: 26, nodeSelector: 'all()', ...spec };
  const pool = { kind: 'IPPool', apiVersion: 'projectcalico.org/v3', metadata: { name }, spec: full };
  await host.etcd.ctl('put', `${RESOURCES}/ippools/${name}`, JSON.stringify(pool));
}

const dropPool = (name: string) => host.etcd.ctl('del', `${RESOURCES}/ippools/${name}`);
const handleOf = (type: string) => read(`/calico/ipam/v2/handle/${type}-node-1`);

/** What the block of an address records of who holds it. */
async function holderOf(address: string): Promise<unknown> {
  const blocks = await host.etcd.ctl('get', '--prefix', '--print-value-only', '/calico/ipam/v2/assignment/');
  for (const text of blocks.split('\n').filter(Boolean)) {
    const { cidr, allocations, attributes } = JSON.parse(text);
    const [base = ''] = cidr.split('/');
    const ordinal = Number(address.split('.')[3]) - Number(base.split('.')[3]);
    if (address.split('.').slice(0, 3).join('.') !== base.split('.').slice(0, 3).join('.')) continue;
    return attributes[allocations[ordinal]];
  }
  return undefined;
}

beforeAll(async () => {
  host = await openAgentHost({ environment: { CALICO_IPV4POOL_CIDR: 'none', NO_DEFAULT_POOLS: 'true' } });
  await host.startAgent();
}, 60_000);
afterAll(async () => {
  await host?.close();
}, 20_000);

test('without a pool that has a tunnel a node has no address in one', async () => {
  await putPool('plain', { cidr: '172.20.0.0/24' });
  await Bun.sleep(300);
  expect(await nodeSpec()).not.toHaveProperty('ipv4VXLANTunnelAddr');
});

test('a pool with vxlanMode gives the node an address and a MAC, recorded as Calico’s tools know them', async () => {
  await putPool('vxlan', { cidr: '172.21.0.0/24', vxlanMode: 'Always' });
  const address = await untilAddress('172.21.0.');
  expect((await nodeSpec()).vxlanTunnelMACAddr).toBe(MACS[4]);
  expect(await holderOf(address)).toEqual({
    handle_id: 'vxlan-tunnel-addr-node-1',
    secondary: { node: 'node-1', type: 'vxlanTunnelAddress' },
  });
  expect(await handleOf('vxlan-tunnel-addr')).toContain('"172.21.0.');
});

test('so does an IPv6 pool, under a name of its own', async () => {
  await putPool('vxlan6', { cidr: 'fd21::/112', vxlanMode: 'CrossSubnet', blockSize: 122 });
  await untilAddress('fd21::', 'ipv6VXLANTunnelAddr');
  expect((await nodeSpec()).vxlanTunnelMACAddrV6).toBe(MACS[6]);
  expect(await handleOf('vxlan-v6-tunnel-addr')).toContain('"fd21::');
});

test('the address stays over a kill and a restart, and in a pool that gives no new ones', async () => {
  const address = await untilAddress('172.21.0.');
  await putPool('vxlan', { cidr: '172.21.0.0/24', vxlanMode: 'Always', disabled: true });
  await host.stopAgent('KILL');
  await host.startAgent();
  await Bun.sleep(500);
  expect((await nodeSpec()).ipv4VXLANTunnelAddr).toBe(address);
  expect(Object.values(JSON.parse(await handleOf('vxlan-tunnel-addr')).block)).toEqual([1]);
  await putPool('vxlan', { cidr: '172.21.0.0/24', vxlanMode: 'Always' });
});

test('what somebody takes from the Node, or the Node itself, comes back with the address that is held', async () => {
  const address = await untilAddress('172.21.0.');
  await editNode(({ ipv4VXLANTunnelAddr: _, ...spec }) => spec);
  expect(await untilAddress('172.21.0.')).toBe(address);
  await editNode((spec) => ({ ...spec, ipv4VXLANTunnelAddr: '172.21.0.77' }));
  await until('the held address', async () => ((await nodeSpec()).ipv4VXLANTunnelAddr === address ? true : undefined));
  await editNode((spec) => ({ ...spec, vxlanTunnelMACAddr: '02:00:00:00:00:07' }));
  await Bun.sleep(300);
  expect((await nodeSpec()).vxlanTunnelMACAddr).toBe('02:00:00:00:00:07');
  await editNode(({ vxlanTunnelMACAddr: _, ...spec }) => spec);
  await until('the usual MAC', async () => ((await nodeSpec()).vxlanTunnelMACAddr === MACS[4] ? true : undefined));
});

test('an address that a stopped agent of Calico has left under the handle, in no pool any more, goes', async () => {
  await putPool('other', { cidr: '172.22.0.0/24', vxlanMode: 'Always' });
  await dropPool('vxlan');
  await untilAddress('172.22.0.');
  expect(await handleOf('vxlan-tunnel-addr')).not.toContain('172.21.');
});

test('a change of the pool’s mode takes the address away and gives it back', async () => {
  await untilAddress('172.22.0.');
  await putPool('other', { cidr: '172.22.0.0/24', vxlanMode: 'Never' });
  await until('no address', async () => ('ipv4VXLANTunnelAddr' in (await nodeSpec()) ? undefined : true));
  expect(await nodeSpec()).not.toHaveProperty('vxlanTunnelMACAddr');
  expect(await handleOf('vxlan-tunnel-addr')).toBe('');
  await putPool('other', { cidr: '172.22.0.0/24', vxlanMode: 'CrossSubnet' });
  await untilAddress('172.22.0.');
});

test('pools that do not select the node, or lend to workloads alone, give none', async () => {
  await putPool('other', { cidr: '172.22.0.0/24', vxlanMode: 'Always', nodeSelector: 'rack == "elsewhere"' });
  await until('no address', async () => ('ipv4VXLANTunnelAddr' in (await nodeSpec()) ? undefined : true));
  await putPool('other', { cidr: '172.22.0.0/24', vxlanMode: 'Always', allowedUses: ['Workload'] });
  await Bun.sleep(300);
  expect(await nodeSpec()).not.toHaveProperty('ipv4VXLANTunnelAddr');
  await putPool('other', { cidr: '172.22.0.0/24', vxlanMode: 'Always', allowedUses: ['Tunnel'] });
  await untilAddress('172.22.0.');
});

test('an address that is to be had nowhere is said once, and the other family’s stays', async () => {
  const six = (await nodeSpec()).ipv6VXLANTunnelAddr;
  await dropPool('other');
  await until('no address', async () => ('ipv4VXLANTunnelAddr' in (await nodeSpec()) ? undefined : true));
  await host.etcd.ctl(
    'put',
    '/calico/resources/v3/projectcalico.org/ipreservations/all',
    JSON.stringify({
      kind: 'IPReservation',
      apiVersion: 'projectcalico.org/v3',
      metadata: { name: 'all' },
      spec: { reservedCIDRs: ['172.23.0.0/26'] },
    }),
  );
  await putPool('full', { cidr: '172.23.0.0/26', vxlanMode: 'Always' });
  await until('words', async () =>
    host.log().includes('have the vxlanTunnelAddress of this host') ? true : undefined,
  );
  expect((await nodeSpec()).ipv6VXLANTunnelAddr).toBe(six);
});
