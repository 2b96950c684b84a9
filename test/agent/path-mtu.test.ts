// A pod whose policy lets nothing in learns all the same that its packets are too large for the way: errors about its own
// flows pass, from a router outside, through address translation (IPv4) and without (IPv6).
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { type AgentHost, eventually, openAgentHost } from '../support/host/agent-host.ts';

const MTU = 1300;
const FAR = { 4: '10.97.0.2', 6: 'fd97::2' } as const;

/** Behind the machine outside, a way that takes less than the host's uplink. */
const NETWORK = `
ip netns add beyond
ip -n outside link add far mtu ${MTU} type veth peer name far mtu ${MTU} netns beyond
for where in outside beyond; do ip -n $where link set far up; done
ip -n outside address add 10.97.0.1/24 dev far; ip -n outside address add fd97::1/64 dev far nodad
ip -n beyond address add ${FAR[4]}/24 dev far; ip -n beyond address add ${FAR[6]}/64 dev far nodad
ip -n beyond route add default via 10.97.0.1; ip -n beyond route add default via fd97::1
ip address add fd98::1/64 dev eth0 nodad; ip -n outside address add fd98::2/64 dev eth0 nodad
ip -6 route add default via fd98::2; ip -n outside route add fd42::/112 via fd98::1
sysctl -qw net.ipv6.conf.all.forwarding=1
ip netns exec outside sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1`;

const closed = {
  kind: 'GlobalNetworkPolicy',
  apiVersion: 'projectcalico.org/v3',
  metadata: { name: 'closed' },
  spec: { selector: 'all()', types: ['Ingress'] },
};

let host: AgentHost;

beforeAll(async () => {
  host = await openAgentHost({
    environment: { CALICO_IPV6POOL_CIDR: 'fd42::/112' },
    ipam: { assign_ipv4: 'true', assign_ipv6: 'true' },
  });
  host.must(NETWORK);
  await host.startAgent();
  const [a] = [host.addPod('a', 'net1'), host.addPod('b', 'net1')];
  const key = '/calico/resources/v3/projectcalico.org/globalnetworkpolicies/closed';
  await host.etcd.ctl('put', key, JSON.stringify(closed));
  await eventually('the policy', 5_000, () =>
    host.run(`ip netns exec b ping -c1 -W0.3 ${a}`).status === 0 ? undefined : true,
  );
}, 60_000);

afterAll(() => host.close(), 20_000);

test.each([4, 6] as const)(
  'a packet of IPv%d that is too large is told so, and the next is as large as the way',
  async (family) => {
    const ping = (size: number) => host.run(`ip netns exec a ping -n -c1 -W1 -M do -s ${size} ${FAR[family]}`);
    await eventually('the way', 5_000, () => (ping(1200).status === 0 ? true : undefined));
    expect(ping(1400).output).toMatch(new RegExp(`mtu ?= ?${MTU}`));
    expect(host.must(`ip netns exec a ip route get ${FAR[family]}`)).toContain(`mtu ${MTU}`);
    expect(host.run(`ip netns exec a ping -n -c1 -W1 -s 1400 ${FAR[family]}`).status).toBe(0); // in parts
  },
);
