// Hosts whose way out is not one address in one subnet: IPv6 alone, an uplink without an address, one with an address of no
// subnet. Each has a real agent and BIRD, a router outside that speaks BGP, and a pod that reaches it.
import { afterEach, expect, test } from 'bun:test';
import { join } from 'node:path';
import { formatIp } from '../../src/net/ip.ts';
import { hashRouterId } from '../../src/routing/router-id.ts';
import { type AgentHost, eventually, openAgentHost } from '../support/host/agent-host.ts';

const CALICOCTL = join(import.meta.dir, '../../dist/bin/calicoctl');
const NODE_KEY = '/calico/resources/v3/projectcalico.org/nodes/node-1';
let host: AgentHost;

afterEach(async () => {
  await host.close();
}, 20_000);

/** The router outside: it takes what it is told, and knows no other way to pods. */
function startRouter(own: string, neighbour: string): void {
  const family = own.includes(':') ? 6 : 4;
  host.must('ip -n outside route flush 192.168.0.0/16');
  host.must(`cat > /run/router.conf <<'END'
router id 10.98.0.2;
protocol device {}
protocol kernel { ipv${family} { export all; }; }
protocol static { ipv${family}; route ${neighbour}/${family === 4 ? 32 : 128} via "eth0"; }
protocol bgp node { local ${own} as 65001; neighbor ${neighbour} as 64512; multihop; ipv${family} { import all; export none; gateway recursive; }; }
END
ip netns exec outside bird -c /run/router.conf -s /run/router.ctl -P /run/router.pid 2>/run/log/router`);
  host.must(`ETCD_ENDPOINTS=${host.etcd.endpoint} ${CALICOCTL} create -f - <<'END'
${JSON.stringify({ apiVersion: 'projectcalico.org/v3', kind: 'BGPPeer', metadata: { name: 'router' }, spec: { peerIP: own, asNumber: 65001 } })}
END`);
}

/** The pod speaks from its own address: the answer comes by the route that BGP brought. */
async function untilReached(address: string): Promise<void> {
  const command = `ip netns exec a ping -c1 -W1 ${address}`;
  await eventually(`the pod to reach ${address}`, 20_000, () => (host.run(command).status === 0 ? true : undefined));
}

async function untilRouterIdIs(id: string): Promise<void> {
  const command = 'birdc -s /var/run/calico/bird.ctl show status';
  await eventually(`router id ${id}`, 5_000, () =>
    host.run(command).output.includes(`Router ID is ${id}\n`) ? true : undefined,
  );
}

async function bgpOf(): Promise<unknown> {
  return JSON.parse(await host.etcd.ctl('get', '--print-value-only', NODE_KEY)).spec.bgp;
}

test('IPv6 alone: the node has that address, BIRD a number from a hash of its name, and pods are reached', async () => {
  const environment = {
    ...{ IP: 'none', IP6: 'autodetect', CALICO_IPV4POOL_CIDR: 'none', CALICO_IPV6POOL_CIDR: 'fd10:77::/64' },
    IP6_AUTODETECTION_METHOD: 'can-reach=fd98::2',
  };
  host = await openAgentHost({ environment, ipam: { assign_ipv4: 'false', assign_ipv6: 'true' } });
  host.must(`ip address flush dev eth0; ip -n outside address flush dev eth0
    ip address add fd98::1/64 dev eth0 nodad; ip -n outside address add fd98::2/64 dev eth0 nodad`);
  await host.startAgent();
  expect(await bgpOf()).toEqual({ ipv6Address: 'fd98::1/64' });
  await untilRouterIdIs(formatIp(hashRouterId('node-1')));
  startRouter('fd98::2', 'fd98::1');
  const { status, output } = host.cni('ADD', 'a', 'net1');
  expect(status, output).toBe(0);
  await untilReached('fd98::2');
}, 60_000);

test.each([
  [
    'an uplink without an address, the host’s on lo',
    { IP: 'autodetect', IP_AUTODETECTION_METHOD: 'cidr=10.98.5.0/24' },
    'ip address add 10.98.5.5/32 dev lo; ip route add default via 10.98.0.2 dev eth0 onlink src 10.98.5.5',
  ],
  [
    'an address of no subnet on the uplink, and a gateway outside of it',
    { IP: 'autodetect' },
    'ip address add 10.98.5.5/32 dev eth0; ip route add default via 10.98.0.2 dev eth0 onlink',
  ],
])(
  '%s: the node has it as a /32, and pods are reached',
  async (_title, environment, underlay) => {
    host = await openAgentHost({ environment: { ...environment, CALICO_IPV4POOL_NAT_OUTGOING: 'false' } });
    host.must(`ip address flush dev eth0; ${underlay}; ip -n outside route add 10.98.5.5 dev eth0`);
    await host.startAgent();
    expect(await bgpOf()).toEqual({ ipv4Address: '10.98.5.5/32' });
    await untilRouterIdIs('10.98.5.5');
    startRouter('10.98.0.2', '10.98.5.5');
    host.addPod('a', 'net1');
    await untilReached('10.98.0.2');
  },
  60_000,
);
