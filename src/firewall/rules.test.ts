import { expect, test } from 'bun:test';
import { allowing } from '../../test/support/firewall/firewall-cases.ts';
import { parseCidr } from '../net/cidr.ts';
import { printRule } from '../nftables/print.ts';
import { bytesOfRange } from '../nftables/ranges.ts';
import {
  ANY_SIDE,
  type CompiledRule,
  type RuleList,
  type SideMatch,
  type TierPolicies,
} from '../policy/types/types.ts';
import { defaultFirewallConfig, type FirewallConfig } from './config.ts';
import { computeGroup, renderGroup } from './group.ts';
import { ipSetSpec } from './ip-sets.ts';
import { constantNets } from './parts.ts';
import { mayPass, renderRuleList } from './rules.ts';
import type { ViewOfSet } from './set-renderer.ts';

function cidrs(...texts: readonly string[]) {
  return texts.map(parseCidr);
}

type Case = Omit<Partial<CompiledRule>, 'source' | 'destination'> & {
  readonly source?: Partial<SideMatch>;
  readonly destination?: Partial<SideMatch>;
};

/** Sets named `r:…` have a range in IPv4 beside their single addresses. */
const viewOf: ViewOfSet = (id, family) => ({
  singles: ipSetSpec(id, id.startsWith('n:') ? 'port' : 'address', family),
  ranges: id.startsWith('r:') && family === 4 ? constantNets(4, cidrs('10.0.0.0/8').map(bytesOfRange)) : undefined,
});

function render(from: Case, id = 'NetworkPolicy/default/p', config: FirewallConfig = defaultFirewallConfig) {
  const source = { ...ANY_SIDE, ...from.source };
  const rule = allowing({ ...from, source, destination: { ...ANY_SIDE, ...from.destination } });
  const list: RuleList = { id, ingress: [rule], egress: [] };
  return renderRuleList(config, list, 'ingress', viewOf);
}

const http = { min: 80, max: 80 };
const high = { min: 1024, max: 65535 };

/** Without the comment of the rule that they are of. */
const cases: readonly (readonly [name: string, rule: Case, lines: readonly string[]])[] = [
  ['everything', {}, ['counter accept']],
  ['deny', { action: 'deny' }, ['counter drop']],
  ['pass', { action: 'pass' }, ['counter meta mark set meta mark | 0x00020000 return']],
  ['log', { action: 'log' }, ['limit rate 10/second burst 5 packets counter log prefix "calico-packet: " level info']],
  ['a protocol', { protocol: 6 }, ['meta l4proto 6 counter accept']],
  ['not a protocol', { notProtocol: 17 }, ['meta l4proto != 17 counter accept']],
  ['a family', { family: 6 }, ['meta nfproto ipv6 counter accept']],
  ['one port', { protocol: 6, destination: { ports: [http] } }, ['meta l4proto 6 th dport 80 counter accept']],
  ['a port range', { protocol: 17, source: { ports: [high] } }, ['meta l4proto 17 th sport 1024-65535 counter accept']],
  ['not a port', { protocol: 6, destination: { notPorts: [http] } }, ['meta l4proto 6 th dport != 80 counter accept']],
  [
    'ports that join',
    { protocol: 6, destination: { ports: [high, { min: 1000, max: 1023 }] } },
    ['meta l4proto 6 th dport 1000-65535 counter accept'],
  ],
  [
    'several ports',
    { protocol: 6, destination: { ports: [http, high] } },
    ['meta l4proto 6 th dport @ports-Rl6kw4u7MAVFNuKP counter accept'],
  ],
  [
    'ports without a protocol',
    { destination: { ports: [http] } },
    ['meta l4proto @port-protocols th dport 80 counter accept'],
  ],
  [
    'a port or a named one',
    { protocol: 6, family: 4, destination: { ports: [http], portSets: ['n:http'] } },
    [
      'meta nfproto ipv4 meta l4proto 6 th dport 80 counter accept',
      'meta nfproto ipv4 meta l4proto 6 ip daddr . meta l4proto . th dport @port4-rV8-RnSL9bh0xDHu counter accept',
    ],
  ],
  [
    'the same logged: no packet twice',
    { action: 'log', protocol: 6, family: 4, destination: { ports: [http], portSets: ['n:http'] } },
    [
      'meta nfproto ipv4 meta l4proto 6 th dport 80 limit rate 10/second burst 5 packets counter log prefix "calico-packet: " level info',
      'meta nfproto ipv4 meta l4proto 6 th dport != 80 ip daddr . meta l4proto . th dport @port4-rV8-RnSL9bh0xDHu limit rate 10/second burst 5 packets counter log prefix "calico-packet: " level info',
    ],
  ],
  [
    'not a named port',
    { protocol: 6, family: 6, source: { notPortSets: ['n:http'] } },
    ['meta nfproto ipv6 meta l4proto 6 ip6 saddr . meta l4proto . th sport != @port6-rV8-RnSL9bh0xDHu counter accept'],
  ],
  [
    'not a named port, of no protocol: packets without ports are meant as well',
    { family: 4, source: { notPorts: [http] }, destination: { notPortSets: ['n:http'] } },
    [
      'meta nfproto ipv4 meta l4proto != @port-protocols counter accept',
      'meta nfproto ipv4 meta l4proto @port-protocols th sport != 80 ip daddr . meta l4proto . th dport != @port4-rV8-RnSL9bh0xDHu counter accept',
    ],
  ],
  [
    'one range of each family',
    { source: { nets: cidrs('10.0.0.0/8', 'fd00::/8') } },
    ['meta nfproto ipv4 ip saddr 10.0.0.0/8 counter accept', 'meta nfproto ipv6 ip6 saddr fd00::/8 counter accept'],
  ],
  [
    'a range of one family only',
    { source: { nets: cidrs('10.0.0.1/32') } },
    ['meta nfproto ipv4 ip saddr 10.0.0.1 counter accept'],
  ],
  [
    'not a range of one family',
    { source: { notNets: cidrs('10.0.0.0/8') } },
    ['meta nfproto ipv4 ip saddr != 10.0.0.0/8 counter accept', 'meta nfproto ipv6 counter accept'],
  ],
  ['all of one family', { source: { nets: cidrs('0.0.0.0/0', '10.0.0.0/8') } }, ['meta nfproto ipv4 counter accept']],
  ['nothing of one family', { source: { notNets: cidrs('0.0.0.0/0') } }, ['meta nfproto ipv6 counter accept']],
  ['nothing at all', { source: { notNets: cidrs('0.0.0.0/0', '::/0') } }, []],
  [
    'families that do not meet',
    { source: { nets: cidrs('10.0.0.0/8') }, destination: { nets: cidrs('fd00::/8') } },
    [],
  ],
  [
    'several ranges, the covered ones left out',
    { family: 4, destination: { nets: cidrs('10.0.0.0/8', '10.1.0.0/16', '192.168.0.0/16') } },
    ['meta nfproto ipv4 ip daddr @nets4-bQuHn6wDGwIPVQJW counter accept'],
  ],
  [
    'sets',
    { source: { ipSets: ['s:web', 'r:all'], notIpSets: ['s:bad'] } },
    [
      'meta nfproto ipv4 ip saddr @address4-03zDUo4IkZkobXYx ip saddr @address4-ZLk7BHN_P3SuXZWx ip saddr != @address4-DaKfz3Q_UIgs7TSx counter accept',
      'meta nfproto ipv4 ip saddr @address4-03zDUo4IkZkobXYx ip saddr @nets4-E_l5PNFYpbyVOFrr ip saddr != @address4-DaKfz3Q_UIgs7TSx counter accept',
      'meta nfproto ipv6 ip6 saddr @address6-03zDUo4IkZkobXYx ip6 saddr @address6-ZLk7BHN_P3SuXZWx ip6 saddr != @address6-DaKfz3Q_UIgs7TSx counter accept',
    ],
  ],
  [
    'not in a set with ranges',
    { family: 4, source: { notIpSets: ['r:all'] } },
    ['meta nfproto ipv4 ip saddr != @address4-ZLk7BHN_P3SuXZWx ip saddr != @nets4-E_l5PNFYpbyVOFrr counter accept'],
  ],
  [
    'ICMP of any family',
    { icmp: { type: 8, code: undefined } },
    [
      'meta nfproto ipv4 meta l4proto 1 icmp type 8 counter accept',
      'meta nfproto ipv6 meta l4proto 58 icmpv6 type 8 counter accept',
    ],
  ],
  [
    'ICMPv6 by protocol',
    { protocol: 58, icmp: { type: 1, code: 3 } },
    ['meta nfproto ipv6 meta l4proto 58 icmpv6 type 1 icmpv6 code 3 counter accept'],
  ],
  [
    'not an ICMP type',
    { family: 4, notIcmp: { type: 8, code: undefined } },
    [
      'meta nfproto ipv4 meta l4proto != 1 counter accept',
      'meta nfproto ipv4 meta l4proto 1 icmp type != 8 counter accept',
    ],
  ],
  [
    'not an ICMP type and code',
    { protocol: 1, family: 4, notIcmp: { type: 3, code: 1 } },
    ['meta nfproto ipv4 meta l4proto 1 @th,0,16 != 0x0301 counter accept'],
  ],
];

for (const [name, rule, lines] of cases) {
  test(`a rule for ${name}`, () => {
    expect(render(rule).rules.map(printRule)).toEqual(lines.map((line) => `${line} comment "rule 0"`));
  });
}

test('a rule has a counter, and says which of its resource it is, with its annotations', () => {
  expect(render({ index: 3, comment: 'say "hi"\n' }).rules.map(printRule)).toEqual([
    'counter accept comment "rule 3: say ?hi??"',
  ]);
  expect(render({ index: 4, comment: '' }).rules.map(printRule)).toEqual(['counter accept comment "rule 4"']);
});

test('pass ends a profile by going back', () => {
  expect(render({ action: 'pass' }, 'Profile//p').rules.map(printRule)).toEqual(['counter return comment "rule 0"']);
});

test('deny goes to the chain that answers when the configuration says reject', () => {
  const config: FirewallConfig = { ...defaultFirewallConfig, denyAction: 'reject' };
  expect(render({ action: 'deny' }, 'Profile//p', config).rules.map(printRule)).toEqual([
    'counter goto deny-reject comment "rule 0"',
  ]);
});

function renderTiers(tiers: readonly TierPolicies[], passing: readonly string[]) {
  const group = computeGroup('ingress', tiers, ['Profile//p']);
  const { rules, parts } = renderGroup(defaultFirewallConfig, group, (id) => passing.includes(id));
  const chains = parts.flatMap((part) => (part.kind === 'chain' ? [part.chain.rules.map(printRule)] : []));
  return { rules: rules.map(printRule), chains };
}

const tier = (name: string, defaultAction: 'deny' | 'pass', ...ingress: string[]): TierPolicies => ({
  tier: name,
  defaultAction,
  ingress,
  egress: [],
});

test('a group without policies goes to its profiles, then drops', () => {
  expect(renderTiers([tier('default', 'deny')], []).rules).toEqual([
    'jump rules-ingress-zZn0ZB4vVIgCy-_K',
    'counter drop comment "no policy or profile decided"',
  ]);
});

test('a tier that denies at its end and never passes is the end of the group', () => {
  expect(
    renderTiers(
      [tier('first', 'pass', 'GlobalNetworkPolicy//a'), tier('default', 'deny', 'GlobalNetworkPolicy//b')],
      [],
    ).rules,
  ).toEqual([
    'jump rules-ingress-_75y0qE70y7mSAeY',
    'counter comment "end of tier first"',
    'jump rules-ingress-kmXMpoZRCSWbmh67',
    'counter drop comment "end of tier default"',
  ]);
});

test('a tier with a policy that may pass is a chain of its own', () => {
  const id = 'GlobalNetworkPolicy//a';
  expect(renderTiers([tier('default', 'deny', id)], [id])).toEqual({
    rules: [
      'jump tier-ingress-9hSyQ2j0mTSCzrI3',
      'jump rules-ingress-zZn0ZB4vVIgCy-_K',
      'counter drop comment "no policy or profile decided"',
    ],
    chains: [
      [
        'meta mark set meta mark & 0xfffdffff',
        'jump rules-ingress-_75y0qE70y7mSAeY',
        'meta mark & 0x00020000 == 0x00020000 meta mark set meta mark & 0xfffdffff return',
        'counter drop comment "end of tier default"',
      ],
    ],
  });
});

test('only a policy passes, not a profile', () => {
  const list = (id: string): RuleList => ({
    id,
    ingress: [allowing({ action: 'pass' })],
    egress: [],
  });
  expect([mayPass(list('NetworkPolicy/a/b'), 'ingress'), mayPass(list('NetworkPolicy/a/b'), 'egress')]).toEqual([
    true,
    false,
  ]);
  expect(mayPass(list('Profile//b'), 'ingress')).toBe(false);
});
