import { expect, test } from 'bun:test';
import { allowing } from '../../../test/support/firewall/firewall-cases.ts';
import { defaultFirewallConfig } from '../../firewall/config.ts';
import { createFirewall } from '../../firewall/firewall.ts';
import { computeBase } from '../../firewall/static.ts';
import { parseCidr } from '../../net/cidr.ts';
import { formatIp, type Ip, parseIp } from '../../net/ip.ts';
import { computeContent } from '../../nftables/changes.ts';
import { LAYOUT, type Ruleset } from '../../nftables/nft.ts';
import { computeSetDifferences, type ObservedSet } from '../../nftables/repair.ts';
import { keyTypeNumber, valueTypeNumber } from '../../nftables/wire.ts';
import {
  ANY_SIDE,
  type EndpointPolicy,
  type IpSetDelta,
  type PolicyChange,
  type RuleList,
} from '../../policy/types/types.ts';
import { computeMovedAddresses, createLocalIdentities } from './identities.ts';

const ips = (...texts: readonly string[]): readonly Ip[] => texts.map((text) => parseIp(text));
const texts = (addresses: readonly Ip[]): readonly string[] => addresses.map(formatIp).sort();

const rulesOf = (...sets: readonly string[]): RuleList => ({
  id: 'Profile//qa',
  ingress: sets.map((set) => allowing({ source: { ...ANY_SIDE, ipSets: [set] } })),
  egress: [],
});
const rules = rulesOf('s:qa', 'r:all', 'n:http');
const endpoint: EndpointPolicy = {
  id: 'default/x',
  interfaceName: 'calix',
  mac: undefined,
  addresses: ips('10.0.0.9', 'fd00::9'),
  allowedSources: [],
  tiers: [],
  profiles: ['Profile//qa'],
};
const http = (address: string) => ({ address: parseIp(address), protocol: 6, port: 80 });
const sets: readonly PolicyChange[] = [
  { kind: 'set-added', id: 's:qa', type: 'address', members: ips('10.0.0.1', 'fd00::1') },
  { kind: 'set-added', id: 'r:all', type: 'cidr', members: [parseCidr('10.1.0.0/16')] },
  { kind: 'set-added', id: 'n:http', type: 'port', members: [http('10.0.0.1')] },
];

function openFirewall() {
  const firewall = createFirewall(defaultFirewallConfig);
  const steps = firewall.apply([...sets, { kind: 'rules-set', list: rules }, { kind: 'endpoint-set', endpoint }]);
  return { firewall, steps };
}

/** As they are read back from the kernel now. */
function observedSets({ sets: all }: Ruleset): ReadonlyMap<string, ObservedSet> {
  return new Map(
    [...all].map(([name, { spec, elements }]) => {
      return [
        name,
        {
          ...{ keyType: keyTypeNumber(spec), interval: spec.interval, valueType: valueTypeNumber(spec) },
          ...{ holds: () => false, elements: new Map(elements) },
        },
      ];
    }),
  );
}

const deltas: readonly (readonly [string, string, IpSetDelta, readonly string[]])[] = [
  ['comes', 's:qa', { type: 'address', added: ips('10.0.0.2'), removed: [] }, ['10.0.0.2']],
  ['goes', 's:qa', { type: 'address', added: [], removed: ips('10.0.0.1', 'fd00::1') }, ['10.0.0.1', 'fd00::1']],
  ['comes as the first of its family', 'n:http', { type: 'port', added: [http('fd00::7')], removed: [] }, ['fd00::7']],
  ['comes to a port', 'n:http', { type: 'port', added: [http('10.0.0.3')], removed: [] }, ['10.0.0.3']],
  ['comes alone', 'r:all', { type: 'cidr', added: [parseCidr('10.2.0.1/32')], removed: [] }, ['10.2.0.1']],
  ['is a range', 'r:all', { type: 'cidr', added: [], removed: [parseCidr('10.1.0.0/16')] }, []],
];

test.each(deltas)('an address that %s (%s) has changed hands, if it is one', (_how, id, delta, expected) => {
  const { firewall } = openFirewall();
  expect(texts(computeMovedAddresses(firewall.apply([{ kind: 'set-changed', id, ...delta }])))).toEqual([...expected]);
});

const successions: readonly (readonly [string, readonly PolicyChange[], readonly string[]])[] = [
  [
    'gets its first range',
    [
      {
        kind: 'set-added',
        id: 'r:qa',
        type: 'cidr',
        members: ['10.0.0.2/32', 'fd00::1/128', '10.3.0.0/16'].map(parseCidr),
      },
      { kind: 'rules-set', list: rulesOf('r:qa') },
      { kind: 'set-removed', id: 's:qa' },
    ],
    ['10.0.0.1', '10.0.0.2'],
  ],
  [
    'gets its first range and loses its last address of IPv6',
    [
      { kind: 'set-added', id: 'r:qa', type: 'cidr', members: ['10.0.0.1/32', '10.3.0.0/16'].map(parseCidr) },
      { kind: 'rules-set', list: rulesOf('r:qa') },
      { kind: 'set-removed', id: 's:qa' },
    ],
    ['fd00::1'],
  ],
  [
    'loses its last range and gets its first address of IPv6',
    [
      { kind: 'set-added', id: 's:all', type: 'address', members: ips('fd00::7') },
      { kind: 'rules-set', list: rulesOf('s:qa', 's:all') },
      { kind: 'set-removed', id: 'r:all' },
    ],
    ['fd00::7'],
  ],
  [
    'loses its last range',
    [
      { kind: 'set-added', id: 's:all', type: 'address', members: ips('10.0.0.7') },
      { kind: 'rules-set', list: rulesOf('s:qa', 's:all') },
      { kind: 'set-removed', id: 'r:all' },
    ],
    ['10.0.0.7'],
  ],
];

test.each(successions)('an address has changed hands that moves while its set %s', (_how, changes, expected) => {
  const { firewall } = openFirewall();
  const sets = observedSets(firewall.ruleset);
  expect(texts(computeMovedAddresses(firewall.apply(changes)))).toEqual([...expected]);
  const observed = { layout: LAYOUT, chains: new Map(), sets };
  expect(texts(computeMovedAddresses(computeSetDifferences(observed, firewall.ruleset)))).toEqual([...expected]);
});

test('when the whole table is exchanged, members that differ have changed hands, also from another layout', () => {
  const { firewall } = openFirewall();
  const observed = { layout: 'another', chains: new Map(), sets: observedSets(firewall.ruleset) };
  firewall.apply([
    { kind: 'set-changed', id: 's:qa', type: 'address', added: ips('10.0.0.2'), removed: ips('10.0.0.1') },
  ]);
  expect(texts(computeMovedAddresses(computeSetDifferences(observed, firewall.ruleset)))).toEqual([
    '10.0.0.1',
    '10.0.0.2',
  ]);
});

test('new sets, sets that go, and a table made anew say nothing about addresses', () => {
  const { firewall, steps } = openFirewall();
  expect(computeMovedAddresses(steps)).toEqual([]);
  expect(computeMovedAddresses(computeContent(firewall.ruleset))).toEqual([]);
  expect(computeMovedAddresses(computeContent(computeBase(defaultFirewallConfig)))).toEqual([]);
  const gone: readonly PolicyChange[] = [
    { kind: 'endpoint-removed', id: 'default/x' },
    { kind: 'rules-removed', id: rules.id },
    { kind: 'set-removed', id: 's:qa' },
  ];
  expect(computeMovedAddresses(firewall.apply(gone))).toEqual([]);
});

test("an own endpoint's addresses change hands with it, with its networks, and when it gives one up", () => {
  const follow = (change: Partial<EndpointPolicy> | undefined): readonly string[] => {
    const identities = createLocalIdentities();
    expect(identities.follow([{ kind: 'endpoint-set', endpoint }])).toEqual([]);
    const next: PolicyChange =
      change === undefined
        ? { kind: 'endpoint-removed', id: endpoint.id }
        : { kind: 'endpoint-set', endpoint: { ...endpoint, ...change } };
    return texts(identities.follow([next]));
  };
  expect(follow(undefined)).toEqual(['10.0.0.9', 'fd00::9']);
  expect(follow({ profiles: ['Profile//qb'] })).toEqual(['10.0.0.9', 'fd00::9']);
  expect(follow({ addresses: ips('10.0.0.9') })).toEqual(['fd00::9']);
  expect(follow({ profiles: ['Profile//qa'], tiers: [] })).toEqual([]);
});
