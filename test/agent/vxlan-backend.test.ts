// A host without BIRD: where all pools have VXLAN the agent makes all routes itself, and the default pool has what the environment says.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { type AgentHost, eventually, openAgentHost } from '../support/host/agent-host.ts';

const RESOURCES = '/calico/resources/v3/projectcalico.org';
let host: AgentHost;

beforeAll(async () => {
  const environment = { CALICO_NETWORKING_BACKEND: 'vxlan', CALICO_IPV4POOL_VXLAN: 'Always' };
  host = await openAgentHost({ environment });
  await host.startAgent();
}, 60_000);
afterAll(async () => {
  await host?.close();
}, 20_000);

test('the default pool has VXLAN, the Node its addresses, and routes lead to another host without BIRD', async () => {
  const read = async (path: string) =>
    JSON.parse(await host.etcd.ctl('get', '--print-value-only', `${RESOURCES}/${path}`));
  expect((await read('ippools/default-ipv4-ippool')).spec.vxlanMode).toBe('Always');
  const spec = { bgp: { ipv4Address: '10.98.0.9/24' }, ipv4VXLANTunnelAddr: '192.168.9.1' };
  const other = { kind: 'Node', apiVersion: 'projectcalico.org/v3', metadata: { name: 'node-9' }, spec };
  const ordinals = Array.from({ length: 64 }, (_, ordinal) => ordinal);
  const lists = { allocations: ordinals.map(() => null), unallocated: ordinals, attributes: [] };
  const block = { cidr: '192.168.9.0/26', affinity: 'host:node-9', ...lists, sequenceNumber: 1, deleted: false };
  await host.etcd.ctl('put', `${RESOURCES}/nodes/node-9`, JSON.stringify(other));
  await host.etcd.ctl('put', '/calico/ipam/v2/assignment/ipv4/block/192.168.9.0-26', JSON.stringify(block));
  await eventually('the route', 5_000, () =>
    host.run('ip route').output.includes('192.168.9.0/26 via 192.168.9.1 dev vxlan.calico') ? true : undefined,
  );
  expect((await read('nodes/node-1')).spec).toMatchObject({ bgp: { ipv4Address: '10.98.0.1/24' } });
  expect(host.run('pgrep -x bird').status).toBe(1);
}, 30_000);
