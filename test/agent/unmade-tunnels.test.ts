// A pool of IP-in-IP on a host whose kernel has none: said once in the log and by `node status`, and refused with the cure.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { join } from 'node:path';
import { hasTunnels } from '../../src/kernel/link/tunnel-support.ts';
import { type AgentHost, eventually, openAgentHost } from '../support/host/agent-host.ts';

const POOLS = '/calico/resources/v3/projectcalico.org/ippools';
const POOL = 'default-ipv4-ippool';
const CALICOCTL = join(import.meta.dir, '../../dist/bin/calicoctl');
const CURE = "needs tunnels that this host's kernel has not (ipipMode): load its module ipip, or set vxlanMode instead";
const LINE =
  'the kernel has no tunnels of ipip: pools "default-ipv4-ippool" (192.168.0.0/16) have no way to other hosts';
let host: AgentHost;

function putPool(spec: object): Promise<string> {
  const document = {
    ...{ kind: 'IPPool', apiVersion: 'projectcalico.org/v3', metadata: { name: POOL } },
    spec: { cidr: '192.168.0.0/16', ...spec },
  };
  return host.etcd.ctl('put', `${POOLS}/${POOL}`, JSON.stringify(document));
}

/** A host in another subnet, with a block of the pool. */
async function putFarHost(): Promise<void> {
  const node = {
    ...{ kind: 'Node', apiVersion: 'projectcalico.org/v3', metadata: { name: 'far' } },
    spec: { bgp: { ipv4Address: '10.96.0.1/24' } },
  };
  const cidr = '192.168.99.0/26';
  const block = {
    cidr,
    affinity: 'host:far',
    allocations: new Array(64).fill(null),
    unallocated: [...Array(64).keys()],
    attributes: [],
    deleted: false,
  };
  await host.etcd.ctl('put', '/calico/resources/v3/projectcalico.org/nodes/far', JSON.stringify(node));
  await host.etcd.ctl('put', '/calico/ipam/v2/assignment/ipv4/block/192.168.99.0-26', JSON.stringify(block));
}

const add = (pod: string, ipam: object = {}) =>
  host.cni('ADD', pod, 'net1', '', { ipam: { type: 'calico-ipam', ...ipam } });
const countLines = () =>
  host
    .must('cat /run/log/node.log')
    .split('\n')
    .filter((line) => line.includes(LINE)).length;

beforeAll(async () => {
  host = await openAgentHost();
  host.must(
    `ETCD_ENDPOINTS=${host.etcd.endpoint} ${CALICOCTL} node run --name node-1 --ip autodetect --log-dir /run/log`,
  );
}, 60_000);
afterAll(() => host.close(), 20_000);

test.skipIf(hasTunnels('ipip'))(
  'the pool gives no address, the node is not ready with it alone, the log says so once, and nothing is taken from strangers',
  async () => {
    await putPool({ ipipMode: 'Always' });
    await eventually('the line', 5_000, () => countLines() || undefined);
    for (const ipam of [{}, { ipv4_pools: [POOL] }]) {
      const { status, output } = add('a', ipam);
      expect([status, output.includes(`"default-ipv4-ippool\\" (192.168.0.0/16) ${CURE}`)], output).toEqual([1, true]);
    }
    const noWay = '192.168.0.0/16: no way to other hosts, as the kernel has no tunnels of ipip';
    const { value } = await eventually('the way into the pool', 5_000, () => {
      const shown = host.run(`${CALICOCTL} node status`);
      return shown.output.includes(noWay) ? shown : undefined;
    });
    expect(value.status).toBe(1);
    expect(value.output).toContain(`"default-ipv4-ippool" (192.168.0.0/16) ${CURE}`);
    expect(countLines()).toBe(1);
    expect(host.run('ip -d link show type ipip').output).toBe('');
    await putFarHost();
    await eventually('a route to nowhere', 5_000, () =>
      host.must('ip route show 192.168.99.0/26').startsWith('blackhole 192.168.99.0/26') ? true : undefined,
    );
    expect(host.must('cat /run/log/node.log')).not.toContain('tunl0');
    expect(host.must('nft list set inet ocicat ipip-hosts')).toMatch(/elements = \{ 10\.96\.0\.1, 10\.98\.0\.1 \}/);
    expect(host.must('nft list chain inet ocicat base-ipip-input')).toMatch(
      /ip saddr @ipip-hosts accept\n.*drop comment "IP in IP from an unknown host"/,
    );
  },
);

test('with another mode it gives addresses, without a restart', async () => {
  await putPool({ vxlanMode: 'Always' });
  await eventually('an address', 5_000, () => (add('b').status === 0 ? true : undefined));
  expect(host.must('ip -n b -4 -o address show eth0')).toContain('inet 192.168.');
});
