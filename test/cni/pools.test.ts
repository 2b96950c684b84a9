// Pools that cannot work, stored in etcd and met by ADDs of the real plugin.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { type CniHost, openCniHost } from '../support/host/cni-host.ts';

const POOLS = '/calico/resources/v3/projectcalico.org/ippools';
const CONFIG = { name: 'network1', cniVersion: '1.0.0', type: 'calico', ipam: { type: 'calico-ipam' } };

/** The host is taken for one whose kernel has no IP-in-IP. */
const UNMADE = "tunnels that this host's kernel has not (ipipMode): load its module ipip, or set vxlanMode instead";

/** Each comes before the host's own pool "four" in the order in which pools are tried. */
const USELESS: readonly (readonly [string, object, string])[] = [
  ['a-disabled', { disabled: true }, 'is disabled'],
  ['a-elsewhere', { nodeSelector: 'rack == "elsewhere"' }, 'does not select the node'],
  ['a-ipip', { ipipMode: 'Always' }, `needs ${UNMADE}`],
  ['a-ipip-cross', { ipipMode: 'CrossSubnet' }, `needs ${UNMADE}`],
  ['a-manual', { assignmentMode: 'Manual' }, 'must be asked for'],
  ['a-namespaces', { namespaceSelector: 'has(team)', allowedUses: ['Workload'] }, 'does not select its namespace'],
  ['a-tunnel', { allowedUses: ['Tunnel'], nodeSelector: 'all()' }, 'no pools match the required use (Workload)'],
];

let host: CniHost;
beforeAll(async () => {
  host = await openCniHost();
});
afterAll(() => host?.close());

async function remove(name: string): Promise<void> {
  await host.datastore.commit({ conditions: [], writes: [{ kind: 'delete', key: `${POOLS}/${name}` }] });
  await follow();
}

async function store(name: string, spec: object): Promise<void> {
  const metadata = { name };
  const full = { cidr: '172.30.0.0/24', blockSize: 26, nodeSelector: 'all()', ...spec };
  await host.put(`${POOLS}/${name}`, { kind: 'IPPool', apiVersion: 'projectcalico.org/v3', metadata, spec: full });
  await follow();
}

/** As the agent's watch would have brought it. */
async function follow(): Promise<void> {
  await host.context.cache.refresh(new AbortController().signal);
}

const add = (ipam: object = {}) =>
  host.call({ command: 'ADD', config: { ...CONFIG, ipam: { ...CONFIG.ipam, ...ipam } } });
const del = () => host.call({ command: 'DEL', config: CONFIG });
const addressOf = (output: string) => JSON.parse(output).ips?.[0]?.address;

for (const [name, spec, why] of USELESS)
  test(`an ADD that names no pool never takes one that cannot work: ${JSON.stringify(spec)}`, async () => {
    await store('four', { cidr: '192.168.0.0/24' });
    await store(name, spec);
    const taken = await add();
    expect(addressOf(taken.output)).toStartWith('192.168.0.');
    await del();
    await remove('four');
    const refused = await add();
    expect(refused.status).toBe(1);
    expect(refused.output).toContain(why);
    expect(refused.output).toContain(name);
    await remove(name);
  });

test('a pool with tunnels that the kernel has not gives nothing, by its name or for an address of it, and STATUS says why', async () => {
  await store('a-ipip', { ipipMode: 'CrossSubnet' });
  const why = `the pool \\"a-ipip\\" (172.30.0.0/24) needs ${UNMADE}`;
  const named = { ...CONFIG, cniVersion: '1.1.0', ipam: { ...CONFIG.ipam, ipv4_pools: ['a-ipip'] } };
  const calls = [
    host.call({ command: 'ADD', config: named }),
    host.call({ command: 'ADD', config: CONFIG, args: 'IP=172.30.0.9' }),
    host.call({ command: 'STATUS', config: named }),
  ];
  for (const { status, output } of await Promise.all(calls)) {
    expect([status, [11, 50].includes(JSON.parse(output).code)], output).toEqual([1, true]);
    expect(output).toContain(why);
  }
  await remove('a-ipip');
});

test('who names a pool with tunnels that the kernel has gets an address of it', async () => {
  await store('a-vxlan', { vxlanMode: 'Always' });
  const named = await add({ ipv4_pools: ['a-vxlan'] });
  expect(addressOf(named.output)).toStartWith('172.30.0.');
  await del();
});
