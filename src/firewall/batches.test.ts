// The batches of an endpoint's life, as text.
import { expect, test } from 'bun:test';
import { allowing } from '../../test/support/firewall/firewall-cases.ts';
import { parseCidr } from '../net/cidr.ts';
import { parseIp } from '../net/ip.ts';
import { tryParsePortMapping } from '../net/port-mapping.ts';
import type { Steps } from '../nftables/nft.ts';
import { printBatch } from '../nftables/print.ts';
import { ANY_SIDE, type EndpointPolicy } from '../policy/types/types.ts';
import { defaultFirewallConfig } from './config.ts';
import { createFirewall } from './firewall.ts';

function endpoint(number: number, more: Partial<EndpointPolicy> = {}): EndpointPolicy {
  return {
    id: `default/e${number}`,
    interfaceName: `cali${number}`,
    mac: undefined,
    addresses: [parseIp(`10.65.0.${number}`), parseIp(`fd00::${number}`)],
    allowedSources: [],
    tiers: [],
    profiles: ['Profile//net1'],
    ...more,
  };
}

/** Each step as nft reads it, a blank line between two. */
function printSteps(steps: Steps): string {
  return steps.map(printBatch).join('\n');
}

const firewall = createFirewall({ ...defaultFirewallConfig, sourceSpoofing: true });

test('the first endpoint of a network brings sets, chains and its elements', () => {
  const steps = firewall.apply([
    { kind: 'set-added', id: 's:net1', type: 'address', members: [parseIp('10.65.0.1'), parseIp('fd00::1')] },
    {
      kind: 'rules-set',
      list: {
        id: 'Profile//net1',
        ingress: [allowing({ source: { ...ANY_SIDE, ipSets: ['s:net1'] } })],
        egress: [allowing()],
      },
    },
    { kind: 'endpoint-set', endpoint: endpoint(1) },
  ]);
  expect(printSteps(steps)).toBe(`add set inet ocicat address4-d9WigOzflu0Pg0lw { type ipv4_addr; comment "s:net1"; }
add set inet ocicat address6-d9WigOzflu0Pg0lw { type ipv6_addr; comment "s:net1"; }
add chain inet ocicat rules-ingress-XU7nzVuD_JkjrHYG { comment "ingress Profile//net1"; }
add chain inet ocicat group-ingress-Wh0P11Pxa508g_jM { comment "Profile//net1"; }
add chain inet ocicat rules-egress-XU7nzVuD_JkjrHYG { comment "egress Profile//net1"; }
add chain inet ocicat group-egress-Wh0P11Pxa508g_jM { comment "Profile//net1"; }
add rule inet ocicat rules-ingress-XU7nzVuD_JkjrHYG meta nfproto ipv4 ip saddr @address4-d9WigOzflu0Pg0lw counter accept comment "rule 0"
add rule inet ocicat rules-ingress-XU7nzVuD_JkjrHYG meta nfproto ipv6 ip6 saddr @address6-d9WigOzflu0Pg0lw counter accept comment "rule 0"
add rule inet ocicat group-ingress-Wh0P11Pxa508g_jM jump rules-ingress-XU7nzVuD_JkjrHYG
add rule inet ocicat group-ingress-Wh0P11Pxa508g_jM counter drop comment "no policy or profile decided"
add rule inet ocicat rules-egress-XU7nzVuD_JkjrHYG counter accept comment "rule 0"
add rule inet ocicat group-egress-Wh0P11Pxa508g_jM jump rules-egress-XU7nzVuD_JkjrHYG
add rule inet ocicat group-egress-Wh0P11Pxa508g_jM counter drop comment "no policy or profile decided"
add element inet ocicat address4-d9WigOzflu0Pg0lw { 10.65.0.1 }
add element inet ocicat address6-d9WigOzflu0Pg0lw { fd00::1 }
add element inet ocicat workload-egress { "cali1" : jump group-egress-Wh0P11Pxa508g_jM }
add element inet ocicat workload-ingress { "cali1" : jump group-ingress-Wh0P11Pxa508g_jM }
add element inet ocicat workload-names { "cali1" }
add element inet ocicat workload-sources4 { "cali1" . 10.65.0.1 }
add element inet ocicat workload-sources6 { "cali1" . fd00::1 }
add element inet ocicat discovery-sources { "cali1" . fd00::1 }
add element arp ocicat arp-senders { "cali1" . 10.65.0.1 }
`);
});

test('the next endpoint of the network brings elements only', () => {
  const added = [parseIp('10.65.0.2'), parseIp('fd00::2')];
  const steps = firewall.apply([
    { kind: 'set-changed', id: 's:net1', type: 'address', added, removed: [] },
    { kind: 'endpoint-set', endpoint: endpoint(2, { allowedSources: [parseCidr('10.9.0.0/16')] }) },
  ]);
  expect(printSteps(steps)).toBe(`add element inet ocicat address4-d9WigOzflu0Pg0lw { 10.65.0.2 }
add element inet ocicat address6-d9WigOzflu0Pg0lw { fd00::2 }
add element inet ocicat workload-egress { "cali2" : jump group-egress-Wh0P11Pxa508g_jM }
add element inet ocicat workload-ingress { "cali2" : jump group-ingress-Wh0P11Pxa508g_jM }
add element inet ocicat workload-names { "cali2" }
add element inet ocicat workload-sources4 { "cali2" . 10.65.0.2 }
add element inet ocicat workload-sources6 { "cali2" . fd00::2 }
add element inet ocicat workload-ranges4 { "cali2" . 10.9.0.0/16 }
add element inet ocicat discovery-sources { "cali2" . fd00::2 }
add element arp ocicat arp-senders { "cali2" . 10.65.0.2 }
add element arp ocicat arp-answerers { "cali2" }
`);
});

test('endpoints that swap their interfaces in one step swap the sources', () => {
  const [one, two] = [endpoint(1, { interfaceName: 'cali2' }), endpoint(2, { interfaceName: 'cali1' })];
  const swapped = firewall.apply([
    { kind: 'endpoint-set', endpoint: one },
    { kind: 'endpoint-set', endpoint: two },
  ]);
  expect(
    printSteps(swapped),
  ).toBe(`delete element inet ocicat workload-sources4 { "cali1" . 10.65.0.1, "cali2" . 10.65.0.2 }
delete element inet ocicat workload-sources6 { "cali1" . fd00::1, "cali2" . fd00::2 }
delete element inet ocicat discovery-sources { "cali1" . fd00::1, "cali2" . fd00::2 }
delete element arp ocicat arp-senders { "cali1" . 10.65.0.1, "cali2" . 10.65.0.2 }
delete element inet ocicat workload-ranges4 { "cali2" . 10.9.0.0/16 }
delete element arp ocicat arp-answerers { "cali2" }
add element inet ocicat workload-sources4 { "cali2" . 10.65.0.1, "cali1" . 10.65.0.2 }
add element inet ocicat workload-sources6 { "cali2" . fd00::1, "cali1" . fd00::2 }
add element inet ocicat discovery-sources { "cali2" . fd00::1, "cali1" . fd00::2 }
add element arp ocicat arp-senders { "cali2" . 10.65.0.1, "cali1" . 10.65.0.2 }
`);
  firewall.apply([
    { kind: 'endpoint-set', endpoint: endpoint(2, { allowedSources: [parseCidr('10.9.0.0/16')] }) },
    { kind: 'endpoint-set', endpoint: endpoint(1) },
  ]);
});

test('other ranges are another set, full before a rule names it; single addresses are elements', () => {
  const network = createFirewall({ ...defaultFirewallConfig, sourceSpoofing: true });
  const rule = allowing({ action: 'deny', family: 4, source: { ...ANY_SIDE, ipSets: ['r:x'] } });
  const members = [parseCidr('10.1.0.0/16'), parseCidr('10.2.0.1/32')];
  network.apply([
    { kind: 'set-added', id: 'r:x', type: 'cidr', members },
    { kind: 'rules-set', list: { id: 'Profile//net1', ingress: [rule], egress: [] } },
    { kind: 'endpoint-set', endpoint: endpoint(1) },
  ]);
  const change = (added: readonly string[], removed: readonly string[]): string =>
    printSteps(
      network.apply([
        {
          kind: 'set-changed',
          id: 'r:x',
          type: 'cidr',
          added: added.map(parseCidr),
          removed: removed.map(parseCidr),
        },
      ]),
    );
  expect(
    change(['10.3.0.1/32'], ['10.2.0.1/32']),
  ).toBe(`delete element inet ocicat address4-IUDIqbe5xDPw4WDt { 10.2.0.1 }
add element inet ocicat address4-IUDIqbe5xDPw4WDt { 10.3.0.1 }
`);
  expect(
    change(['10.0.0.0/15'], ['10.1.0.0/16']),
  ).toBe(`add set inet ocicat nets4-pMNq6epbDYRHme0i { type ipv4_addr; flags interval; }
add element inet ocicat nets4-pMNq6epbDYRHme0i { 10.0.0.0/15 }

flush chain inet ocicat rules-ingress-XU7nzVuD_JkjrHYG
add rule inet ocicat rules-ingress-XU7nzVuD_JkjrHYG meta nfproto ipv4 ip saddr @address4-IUDIqbe5xDPw4WDt counter drop comment "rule 0"
add rule inet ocicat rules-ingress-XU7nzVuD_JkjrHYG meta nfproto ipv4 ip saddr @nets4-pMNq6epbDYRHme0i counter drop comment "rule 0"
delete set inet ocicat nets4-N7Ymor_3uUdvHqYl
`);
});

test('the first address of IPv6 brings a set, full before a rule names it, and the last one takes it away', () => {
  const network = createFirewall(defaultFirewallConfig);
  const rule = allowing({ action: 'deny', source: { ...ANY_SIDE, ipSets: ['s:x'] } });
  network.apply([
    { kind: 'set-added', id: 's:x', type: 'address', members: [] },
    { kind: 'rules-set', list: { id: 'Profile//net1', ingress: [rule], egress: [] } },
    { kind: 'endpoint-set', endpoint: endpoint(1) },
  ]);
  const four =
    'rules-ingress-XU7nzVuD_JkjrHYG meta nfproto ipv4 ip saddr @address4-ucwFCBWoAUU87frC counter drop comment "rule 0"';
  const change = (side: 'added' | 'removed'): string => {
    const delta = { added: [], removed: [], [side]: [parseIp('fd00::9')] };
    return printSteps(network.apply([{ kind: 'set-changed', id: 's:x', type: 'address', ...delta }]));
  };
  expect(change('added')).toBe(`add set inet ocicat address6-ucwFCBWoAUU87frC { type ipv6_addr; comment "s:x"; }
add element inet ocicat address6-ucwFCBWoAUU87frC { fd00::9 }

flush chain inet ocicat rules-ingress-XU7nzVuD_JkjrHYG
add rule inet ocicat ${four}
add rule inet ocicat ${four.replaceAll('4 ', '6 ').replace('ip saddr', 'ip6 saddr').replace('address4', 'address6')}
`);
  expect(change('removed')).toBe(`flush chain inet ocicat rules-ingress-XU7nzVuD_JkjrHYG
add rule inet ocicat ${four}
delete set inet ocicat address6-ucwFCBWoAUU87frC
`);
});

test('an endpoint on an interface that cannot be a workload’s gets nothing', () => {
  for (const interfaceName of ['eth0', 'cali4567890123456', 'cali"x', 'cali 1']) {
    expect(firewall.apply([{ kind: 'endpoint-set', endpoint: endpoint(3, { interfaceName }) }])).toEqual([]);
  }
});

test('the last endpoints of a network take everything with them', () => {
  const steps = firewall.apply([
    { kind: 'endpoint-removed', id: 'default/e1' },
    { kind: 'endpoint-removed', id: 'default/e2' },
    { kind: 'rules-removed', id: 'Profile//net1' },
    { kind: 'set-removed', id: 's:net1' },
  ]);
  expect(printSteps(steps)).toBe(`delete element inet ocicat workload-egress { "cali1", "cali2" }
delete element inet ocicat workload-ingress { "cali1", "cali2" }
delete element inet ocicat workload-names { "cali1", "cali2" }
delete element inet ocicat workload-sources4 { "cali1" . 10.65.0.1, "cali2" . 10.65.0.2 }
delete element inet ocicat workload-sources6 { "cali1" . fd00::1, "cali2" . fd00::2 }
delete element inet ocicat discovery-sources { "cali1" . fd00::1, "cali2" . fd00::2 }
delete element arp ocicat arp-senders { "cali1" . 10.65.0.1, "cali2" . 10.65.0.2 }
delete element inet ocicat workload-ranges4 { "cali2" . 10.9.0.0/16 }
delete element arp ocicat arp-answerers { "cali2" }
flush chain inet ocicat group-ingress-Wh0P11Pxa508g_jM
flush chain inet ocicat rules-ingress-XU7nzVuD_JkjrHYG
flush chain inet ocicat group-egress-Wh0P11Pxa508g_jM
flush chain inet ocicat rules-egress-XU7nzVuD_JkjrHYG
delete set inet ocicat address4-d9WigOzflu0Pg0lw
delete set inet ocicat address6-d9WigOzflu0Pg0lw
delete chain inet ocicat group-ingress-Wh0P11Pxa508g_jM
delete chain inet ocicat rules-ingress-XU7nzVuD_JkjrHYG
delete chain inet ocicat group-egress-Wh0P11Pxa508g_jM
delete chain inet ocicat rules-egress-XU7nzVuD_JkjrHYG
`);
});

test('pools fill the sets of address translation: direct destinations come before sources and go after them', () => {
  const [four, six] = [parseCidr('10.65.0.0/16'), parseCidr('fd00::/64')];
  const pools = [
    { cidr: four, natOutgoing: true },
    { cidr: six, natOutgoing: false },
  ];
  expect(printSteps(firewall.setPools(pools))).toBe(`add element inet ocicat nat-direct4 { 10.65.0.0/16 }
add element inet ocicat nat-direct6 { fd00::/64 }

add element inet ocicat nat-sources4 { 10.65.0.0/16 }
`);
  expect(firewall.setPools(pools)).toEqual([]);
  const wider = [{ cidr: parseCidr('10.64.0.0/15'), natOutgoing: true }, ...pools];
  expect(
    printSteps(firewall.setPools(wider, [parseCidr('192.0.2.1/32')])),
  ).toBe(`delete element inet ocicat nat-direct4 { 10.65.0.0/16 }
add element inet ocicat nat-direct4 { 10.64.0.0/15, 192.0.2.1 }

delete element inet ocicat nat-sources4 { 10.65.0.0/16 }
add element inet ocicat nat-sources4 { 10.64.0.0/15 }
`);
  expect(printSteps(firewall.setPools([]))).toBe(`delete element inet ocicat nat-sources4 { 10.64.0.0/15 }

delete element inet ocicat nat-direct4 { 10.64.0.0/15, 192.0.2.1 }
delete element inet ocicat nat-direct6 { fd00::/64 }
`);
});

test('a set or policy that was never handed out is an error here, not in the kernel', () => {
  const lost = createFirewall({ ...defaultFirewallConfig, sourceSpoofing: true });
  expect(() => lost.apply([{ kind: 'endpoint-set', endpoint: endpoint(1) }])).toThrow('use policy "Profile//net1"');
  expect(() => lost.apply([{ kind: 'set-removed', id: 's:x' }])).toThrow('use IP set "s:x"');
});

test('an endpoint that ports of the host lead to comes in one batch, with an element for each family', () => {
  const mapped = createFirewall(defaultFirewallConfig);
  const publishing = (number: number, text: string) => {
    const portMappings = [tryParsePortMapping(text) ?? expect.unreachable(text)];
    return mapped.apply([{ kind: 'endpoint-set', endpoint: endpoint(number, { portMappings }) }]);
  };
  mapped.apply([{ kind: 'rules-set', list: { id: 'Profile//net1', ingress: [], egress: [allowing()] } }]);
  publishing(1, '8081:80/tcp');
  const [step = [], ...others] = publishing(2, '8082:80/tcp');
  expect([others, step.map(({ kind }) => kind).filter((kind) => kind !== 'add-elements')]).toEqual([[], []]);
  const text = printBatch(step);
  expect(text).toContain('add element inet ocicat mapped-port4 { 6 . 8082 : 10.65.0.2 . 80 }');
  expect(text).toContain('add element inet ocicat mapped-port6 { 6 . 8082 : fd00::2 . 80 }');
});
