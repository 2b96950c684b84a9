// From inside a pod with every right over its own packets: what policy denies does not arrive in another shape either, and
// what it allows does, in every shape that hosts understand.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { formatIp, type Ip } from '../../src/net/ip.ts';
import { eventually } from '../support/host/agent-host.ts';
import { ALLOWED, evasions, TALK } from './evasions.ts';
import { OUTSIDE, OUTSIDE6, openSite, type Site } from './site.ts';

/** The kernel takes a packet that has been sent within this time; those that must not arrive are waited for as long. */
const SETTLE_MS = 100;
const KEY = '/calico/resources/v3/projectcalico.org/globalnetworkpolicies/gate';

let site: Site;

const gate = {
  kind: 'GlobalNetworkPolicy',
  apiVersion: 'projectcalico.org/v3',
  metadata: { name: 'gate' },
  spec: {
    selector: 'all()',
    types: ['Ingress'],
    ingress: [{ action: 'Allow', protocol: 'UDP', destination: { ports: [ALLOWED] } }],
  },
};

/** A datagram from the same port to everybody that the victim has a conversation with. */
const talker = (...to: readonly Ip[]) => `
import socket
for to in (${to.map((one) => `"${formatIp(one)}"`).join(', ')}):
    s = socket.socket(socket.AF_INET6 if ":" in to else socket.AF_INET, socket.SOCK_DGRAM)
    s.bind(("", ${TALK}))
    s.sendto(b"hello", (to, ${ALLOWED}))
    s.close()`;

function talk(): void {
  const to = [OUTSIDE, OUTSIDE6, site.attacker.ipv4, site.attacker.ipv6];
  site.host.must(`ip netns exec victim python3 -c '${talker(...to)}'`);
}

beforeAll(async () => {
  site = await openSite({ CALICO_IPV4POOL_NAT_OUTGOING: 'false' }); // addresses are as a pod knows them
  await site.host.etcd.ctl('put', KEY, JSON.stringify(gate));
  const reaches = () =>
    site.host.run(`ip netns exec attacker ping -c1 -W0.3 ${formatIp(site.victim.ipv4)}`).status === 0;
  await eventually('the policy', 10_000, () => (reaches() ? undefined : true));
}, 60_000);

afterAll(() => site.host.close(), 20_000);

test.each(evasions.map((evasion, index) => [evasion.name, evasion, `mark-${index}-`] as const))(
  '%s',
  async (_name, evasion, mark) => {
    if (evasion.quotes) talk();
    site.inject(evasion.frames(site, mark));
    if (evasion.arrives) await eventually('the packet', 5_000, () => (site.heard().includes(mark) ? true : undefined));
    else await Bun.sleep(SETTLE_MS);
    expect(site.heard().includes(mark)).toBe(evasion.arrives);
  },
);
