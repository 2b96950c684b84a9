// The verdict on single packets, from resources as they are stored; and the calculation must agree with every line.
import { describe, expect, test } from 'bun:test';
import { deliverAll, isAllowed, nothingDelivered } from '../../../test/support/policy/delivered.ts';
import { parseIp } from '../../net/ip.ts';
import { createPolicyCalculation } from '../calculation/calculation.ts';
import { parsePolicyUpdate } from '../input/parse.ts';
import type { PolicyUpdate } from '../types/input.ts';
import type { Packet } from './packet.ts';
import { createSnapshot } from './snapshot.ts';
import { computeVerdict, type Verdict } from './verdict.ts';

type Json = Readonly<Record<string, unknown>>;

function resource(kind: string, name: string, spec: Json, labels: Json = {}, namespace?: string): PolicyUpdate {
  const value = { kind, apiVersion: 'projectcalico.org/v3', metadata: { name, namespace, labels }, spec };
  const parsed = parsePolicyUpdate({ kind, namespace, name }, value, 'here');
  if (parsed === undefined || parsed.issues.length > 0) throw new Error(`${kind} ${name}: ${JSON.stringify(parsed)}`);
  return parsed.update;
}

const workload = (name: string, address: string, profiles: readonly string[], labels: Json = {}, more: Json = {}) =>
  resource(
    'WorkloadEndpoint',
    name,
    { node: 'here', orchestrator: 'cni', interfaceName: `cali${name}`, ipNetworks: [address], profiles, ...more },
    labels,
    'default',
  );
const profile = (name: string, spec: Json) => resource('Profile', name, spec);
const tier = (name: string, spec: Json) => resource('Tier', name, spec);
const global = (name: string, spec: Json) => resource('GlobalNetworkPolicy', name, spec);
const local = (name: string, spec: Json, namespace = 'default') => resource('NetworkPolicy', name, spec, {}, namespace);

/** As the network plugin makes it: ingress from the same network, all egress. */
const network = (name: string) =>
  profile(name, {
    ingress: [{ action: 'Allow', source: { selector: `has(${name})` } }],
    egress: [{ action: 'Allow' }],
    labelsToApply: { [name]: '' },
  });

const tcp = (source: string, destination: string, destinationPort = 80): Packet => ({
  source: parseIp(source),
  destination: parseIp(destination),
  protocol: 6,
  sourcePort: 40000,
  destinationPort,
});

/** From a to b: what each end says. The calculation must say the same. */
function judge(updates: readonly PolicyUpdate[], packet: Packet) {
  const verdict = computeVerdict(packet, createSnapshot(updates));
  const calculation = createPolicyCalculation();
  for (const update of updates) calculation.update(update);
  calculation.update({ kind: 'in-sync' });
  const state = nothingDelivered();
  deliverAll(state, calculation.flush());
  for (const [direction, address] of [
    ['egress', packet.source],
    ['ingress', packet.destination],
  ] as const) {
    for (const endpoint of state.endpoints.values()) {
      if (!endpoint.addresses.includes(address)) continue;
      expect(isAllowed(state, endpoint, direction, packet)).toBe(verdict[direction].action === 'allow');
    }
  }
  return verdict;
}

const A = '10.0.0.1';
const B = '10.0.0.2';
const allow = { action: 'allow' } as const;
const deny = { action: 'deny' } as const;
const rule = (policy: string, index = 0, name = 'default') => ({
  reason: { kind: 'rule' as const, tier: name, policy, rule: index },
});

describe('profiles', () => {
  const table: readonly (readonly [
    what: string,
    updates: readonly PolicyUpdate[],
    packet: Packet,
    egress: Verdict,
    ingress: Verdict,
  ])[] = [
    [
      'one network',
      [network('n1'), workload('a', A, ['n1']), workload('b', B, ['n1'])],
      tcp(A, B),
      { ...allow, reason: { kind: 'profile-rule', profile: 'n1', rule: 0 } },
      { ...allow, reason: { kind: 'profile-rule', profile: 'n1', rule: 0 } },
    ],
    [
      'two networks',
      [network('n1'), network('n2'), workload('a', A, ['n2']), workload('b', B, ['n1'])],
      tcp(A, B),
      { ...allow, reason: { kind: 'profile-rule', profile: 'n2', rule: 0 } },
      { ...deny, reason: { kind: 'no-profile-matched' } },
    ],
    [
      'an endpoint of both networks',
      [network('n1'), network('n2'), workload('a', A, ['n2']), workload('b', B, ['n1', 'n2'])],
      tcp(A, B),
      { ...allow, reason: { kind: 'profile-rule', profile: 'n2', rule: 0 } },
      { ...allow, reason: { kind: 'profile-rule', profile: 'n2', rule: 0 } },
    ],
    [
      'a missing profile drops, whatever comes after it',
      [network('n1'), workload('a', A, ['gone', 'n1']), workload('b', B, ['n1', 'gone'])],
      tcp(A, B),
      { ...deny, reason: { kind: 'missing-profile', profile: 'gone' } },
      { ...allow, reason: { kind: 'profile-rule', profile: 'n1', rule: 0 } },
    ],
    [
      'no profile',
      [workload('a', A, []), workload('b', B, [])],
      tcp(A, B),
      { ...deny, reason: { kind: 'no-profile-matched' } },
      { ...deny, reason: { kind: 'no-profile-matched' } },
    ],
    [
      'the profile that is always there',
      [workload('a', A, ['projectcalico-default-allow']), workload('b', B, ['projectcalico-default-allow'])],
      tcp(A, B),
      { ...allow, reason: { kind: 'profile-rule', profile: 'projectcalico-default-allow', rule: 0 } },
      { ...allow, reason: { kind: 'profile-rule', profile: 'projectcalico-default-allow', rule: 0 } },
    ],
    [
      'pass ends the profile only',
      [
        profile('p1', { ingress: [{ action: 'Pass' }, { action: 'Allow' }], egress: [{ action: 'Pass' }] }),
        profile('p2', { ingress: [{ action: 'Log' }, { action: 'Deny', protocol: 'UDP' }, { action: 'Allow' }] }),
        workload('a', A, ['p1']),
        workload('b', B, ['p1', 'p2']),
      ],
      tcp(A, B),
      { ...deny, reason: { kind: 'no-profile-matched' } },
      { ...allow, reason: { kind: 'profile-rule', profile: 'p2', rule: 2 } },
    ],
    [
      'from outside',
      [network('n1'), workload('b', B, ['n1'])],
      tcp('198.51.100.1', B),
      { ...allow, reason: { kind: 'no-workload' } },
      { ...deny, reason: { kind: 'no-profile-matched' } },
    ],
    [
      'an address of a network set that has the label',
      [
        network('n1'),
        resource('GlobalNetworkSet', 's', { nets: ['198.51.100.0/24'] }, { n1: '' }),
        workload('b', B, ['n1']),
      ],
      tcp('198.51.100.1', B),
      { ...allow, reason: { kind: 'no-workload' } },
      { ...allow, reason: { kind: 'profile-rule', profile: 'n1', rule: 0 } },
    ],
    [
      'a network set of everything',
      [network('n1'), resource('GlobalNetworkSet', 's', { nets: ['0.0.0.0/0'] }, { n1: '' }), workload('b', B, ['n1'])],
      tcp('198.51.100.1', B),
      { ...allow, reason: { kind: 'no-workload' } },
      { ...allow, reason: { kind: 'profile-rule', profile: 'n1', rule: 0 } },
    ],
  ];
  for (const [what, updates, packet, egress, ingress] of table) {
    test(what, () => {
      const allowed = egress.action === 'allow' && ingress.action === 'allow';
      expect(judge(updates, packet)).toEqual({ allowed, egress, ingress });
    });
  }
});

test('an interface that is not known is dropped, both ways', () => {
  const snapshot = createSnapshot([network('n1'), workload('a', A, ['n1'])]);
  const verdict = computeVerdict(tcp(A, B), snapshot, { source: 'default/x', destination: 'default/y' });
  expect(verdict).toEqual({
    allowed: false,
    egress: { action: 'deny', reason: { kind: 'unknown-endpoint', id: 'default/x' } },
    ingress: { action: 'deny', reason: { kind: 'unknown-endpoint', id: 'default/y' } },
  });
});

describe('policies, at the destination of a packet from a to b', () => {
  const base = [
    tier('default', { order: 1000000 }),
    network('n1'),
    workload('a', A, ['n1'], { role: 'client' }, { ports: [{ name: 'src', protocol: 'TCP', port: 40000 }] }),
    workload('b', B, ['n1'], { role: 'web' }, { ports: [{ name: 'web', protocol: 'TCP', port: 80 }] }),
  ];
  const fromProfile: Verdict = { ...allow, reason: { kind: 'profile-rule', profile: 'n1', rule: 0 } };
  const end = (name = 'default'): Verdict => ({ ...deny, reason: { kind: 'end-of-tier', tier: name } });
  const ok = [{ action: 'Allow' }];
  const no = [{ action: 'Deny' }];
  const pass = [{ action: 'Pass' }];
  const g = (name: string) => `GlobalNetworkPolicy//${name}`;

  const table: readonly (readonly [what: string, updates: readonly PolicyUpdate[], ingress: Verdict])[] = [
    ['none applies', [global('g', { selector: "role == 'db'", ingress: no })], fromProfile],
    ['egress only leaves ingress alone', [global('g', { egress: no })], fromProfile],
    ['types without rules', [global('g', { types: ['Ingress'] })], end()],
    ['no types and no rules means ingress', [global('g', {})], end()],
    ['types leave rules out', [global('g', { types: ['Egress'], ingress: no, egress: ok })], fromProfile],
    ['allowed', [global('g', { ingress: ok })], { ...allow, ...rule(g('g')) }],
    ['denied', [global('g', { ingress: no })], { ...deny, ...rule(g('g')) }],
    ['nothing matches', [global('g', { ingress: [{ action: 'Allow', protocol: 'UDP' }] })], end()],
    ['log goes on', [global('g', { ingress: [{ action: 'Log' }, ...ok] })], { ...allow, ...rule(g('g'), 1) }],
    ['pass to the profiles', [global('g', { ingress: pass })], fromProfile],
    [
      'pass skips the rest of the tier',
      [global('g1', { order: 1, ingress: pass }), global('g2', { order: 2, ingress: no })],
      fromProfile,
    ],
    [
      'lower order first',
      [global('g1', { order: 2, ingress: no }), global('g2', { order: 1, ingress: ok })],
      { ...allow, ...rule(g('g2')) },
    ],
    [
      'no order last',
      [global('g1', { ingress: no }), global('g2', { order: 9e9, ingress: ok })],
      { ...allow, ...rule(g('g2')) },
    ],
    [
      'equal orders by name',
      [global('gb', { order: 1, ingress: no }), global('ga', { order: 1, ingress: ok })],
      { ...allow, ...rule(g('ga')) },
    ],
    [
      'equal names by namespace, the global one first',
      [local('g', { ingress: no }), global('g', { ingress: ok })],
      { ...allow, ...rule(g('g')) },
    ],
    ['a policy of its namespace', [local('n', { ingress: no })], { ...deny, ...rule('NetworkPolicy/default/n') }],
    ['a policy of another namespace', [local('n', { ingress: no }, 'other')], fromProfile],
    [
      'tiers by order',
      [
        tier('first', { order: 1 }),
        tier('second', { order: 2 }),
        global('second.g', { tier: 'second', ingress: no }),
        global('first.g', { tier: 'first', ingress: ok }),
      ],
      { ...allow, ...rule(g('first.g'), 0, 'first') },
    ],
    [
      'tiers of equal order by name',
      [
        tier('alpha', { order: 1000000 }),
        global('g', { ingress: no }),
        global('alpha.g', { tier: 'alpha', ingress: ok }),
      ],
      { ...allow, ...rule(g('alpha.g'), 0, 'alpha') },
    ],
    [
      'pass to the next tier',
      [tier('first', { order: 1 }), global('first.g', { tier: 'first', ingress: pass }), global('g', { ingress: ok })],
      { ...allow, ...rule(g('g')) },
    ],
    [
      'the end of a tier that passes',
      [
        tier('first', { order: 1, defaultAction: 'Pass' }),
        global('first.g', { tier: 'first', ingress: [{ action: 'Deny', protocol: 'UDP' }] }),
      ],
      fromProfile,
    ],
    [
      'the end of a tier that denies',
      [
        tier('first', { order: 1, defaultAction: 'Deny' }),
        global('first.g', { tier: 'first', ingress: [{ action: 'Allow', protocol: 'UDP' }] }),
        global('g', { ingress: ok }),
      ],
      end('first'),
    ],
    [
      'a tier without a policy for the endpoint is skipped',
      [tier('first', { order: 1 }), global('first.g', { tier: 'first', selector: "role == 'db'", ingress: no })],
      fromProfile,
    ],
    [
      'a missing tier comes last and denies',
      [global('none.g', { tier: 'none', ingress: [{ action: 'Allow', protocol: 'UDP' }] })],
      end('none'),
    ],
    [
      'a missing tier comes after those that are there',
      [global('a.g', { tier: 'a', ingress: no }), global('g', { ingress: ok })],
      { ...allow, ...rule(g('g')) },
    ],
    [
      'untracked and pre-DNAT policies are not for workloads',
      [
        global('g', { doNotTrack: true, applyOnForward: true, ingress: no }),
        global('h', { preDNAT: true, applyOnForward: true, ingress: no }),
      ],
      fromProfile,
    ],
    [
      'source by label',
      [global('g', { ingress: [{ action: 'Allow', source: { selector: "role == 'client'" } }] })],
      { ...allow, ...rule(g('g')) },
    ],
    [
      'source by inherited label',
      [global('g', { ingress: [{ action: 'Allow', source: { selector: 'has(n1)' } }] })],
      { ...allow, ...rule(g('g')) },
    ],
    [
      'source by other label',
      [global('g', { ingress: [{ action: 'Allow', source: { notSelector: "role == 'client'" } }] })],
      end(),
    ],
    [
      'source by range',
      [global('g', { ingress: [{ action: 'Allow', source: { nets: ['10.0.0.0/31'] } }] })],
      { ...allow, ...rule(g('g')) },
    ],
    [
      'source outside of a range',
      [global('g', { ingress: [{ action: 'Allow', source: { notNets: ['10.0.0.0/31'] } }] })],
      end(),
    ],
    [
      'range of the other family',
      [global('g', { ingress: [{ action: 'Allow', source: { notNets: ['fd00::/8'] } }] })],
      end(),
    ],
    [
      'ipVersion',
      [
        global('g', {
          ingress: [
            { action: 'Allow', ipVersion: 6 },
            { action: 'Allow', ipVersion: 4 },
          ],
        }),
      ],
      { ...allow, ...rule(g('g'), 1) },
    ],
    [
      'port',
      [global('g', { ingress: [{ action: 'Allow', protocol: 'TCP', destination: { ports: [443, '79:81'] } }] })],
      { ...allow, ...rule(g('g')) },
    ],
    [
      'other port',
      [global('g', { ingress: [{ action: 'Allow', protocol: 'TCP', destination: { notPorts: [80] } }] })],
      end(),
    ],
    [
      'named port',
      [global('g', { ingress: [{ action: 'Allow', protocol: 'TCP', destination: { ports: [443, 'web'] } }] })],
      { ...allow, ...rule(g('g')) },
    ],
    [
      'named port alone, any protocol',
      [global('g', { ingress: [{ action: 'Allow', destination: { ports: ['web'] } }] })],
      { ...allow, ...rule(g('g')) },
    ],
    [
      'named port of an endpoint that the selector leaves out',
      [global('g', { ingress: [{ action: 'Allow', destination: { ports: ['web'], selector: "role == 'db'" } }] })],
      end(),
    ],
    [
      'number or named port, but the selector leaves the endpoint out',
      [
        global('g', {
          ingress: [
            { action: 'Allow', protocol: 'TCP', destination: { ports: [80, 'web'], selector: "role == 'db'" } },
          ],
        }),
      ],
      end(),
    ],
    [
      'not the named port',
      [global('g', { ingress: [{ action: 'Allow', destination: { notPorts: ['web'] } }] })],
      end(),
    ],
    [
      'not the named port of others',
      [
        global('g', {
          ingress: [
            {
              action: 'Allow',
              destination: { notPorts: ['web'], selector: "role == 'web'", notSelector: "role == 'db'" },
            },
          ],
        }),
      ],
      end(),
    ],
    [
      'source port by name',
      [global('g', { ingress: [{ action: 'Allow', protocol: 'TCP', source: { ports: ['src'] } }] })],
      { ...allow, ...rule(g('g')) },
    ],
    [
      'not the protocol',
      [
        global('g', {
          ingress: [
            { action: 'Allow', notProtocol: 'TCP' },
            { action: 'Allow', notProtocol: 'UDP' },
          ],
        }),
      ],
      { ...allow, ...rule(g('g'), 1) },
    ],
    [
      'not an ICMP type holds for TCP',
      [global('g', { ingress: [{ action: 'Allow', notICMP: { type: 8 } }] })],
      { ...allow, ...rule(g('g')) },
    ],
    [
      'namespace of the source',
      [global('g', { ingress: [{ action: 'Allow', source: { namespaceSelector: 'all()' } }] })],
      { ...allow, ...rule(g('g')) },
    ],
    [
      'sources without namespace',
      [global('g', { ingress: [{ action: 'Allow', source: { namespaceSelector: 'global()' } }] })],
      end(),
    ],
    [
      'labels of a namespace that nobody has',
      [global('g', { namespaceSelector: "env == 'prod'", ingress: no })],
      fromProfile,
    ],
    [
      'selectors of a namespaced policy stay in it',
      [local('n', { ingress: [{ action: 'Allow', source: { selector: 'all()' } }] }), workload('c', '10.0.0.3', [])],
      { ...allow, ...rule('NetworkPolicy/default/n') },
    ],
  ];
  for (const [what, updates, ingress] of table) {
    test(what, () => expect(judge([...base, ...updates], tcp(A, B)).ingress).toEqual(ingress));
  }
});

test('ICMP by type and code, in each family', () => {
  const updates = [
    workload('b', 'fd00::2', [], {}),
    workload('c', B, [], {}),
    global('g', {
      ingress: [
        { action: 'Allow', protocol: 'ICMPv6', icmp: { type: 128 } },
        { action: 'Allow', protocol: 'ICMP', icmp: { type: 3, code: 4 } },
      ],
    }),
  ];
  const icmp = (source: string, destination: string, protocol: number, icmpType: number, icmpCode: number): Packet => ({
    source: parseIp(source),
    destination: parseIp(destination),
    protocol,
    icmpType,
    icmpCode,
  });
  const verdicts = [
    icmp('fd00::9', 'fd00::2', 58, 128, 0),
    icmp('fd00::9', 'fd00::2', 58, 129, 0),
    icmp('fd00::9', 'fd00::2', 1, 128, 0),
    icmp('10.0.0.9', B, 1, 3, 4),
    icmp('10.0.0.9', B, 1, 3, 3),
  ].map((packet) => judge(updates, packet).ingress.action);
  expect(verdicts).toEqual(['allow', 'deny', 'deny', 'allow', 'deny']);
});
