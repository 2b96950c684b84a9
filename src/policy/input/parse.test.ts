// Stored resources to updates: what is understood, and how what is not is closed.
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { deliverAll, nothingDelivered } from '../../../test/support/policy/delivered.ts';
import { formatIssue } from '../../base/errors.ts';
import { formatCidr } from '../../net/cidr.ts';
import { formatIp, parseIp } from '../../net/ip.ts';
import { formatSelector } from '../../selector/format.ts';
import { createPolicyCalculation } from '../calculation/calculation.ts';
import { blanketRule, type EntityMatch, type PolicyInput, type RuleInput } from '../types/input.ts';
import { parsePolicyUpdate } from './parse.ts';

function parse(kind: string, namespace: string | undefined, value: unknown) {
  const parsed = parsePolicyUpdate({ kind, namespace, name: 'it' }, value, 'here');
  if (parsed === undefined) throw new Error(`${kind} is not looked at`);
  return { update: parsed.update, issues: parsed.issues.map(formatIssue) };
}

function policyOf(
  kind: string,
  namespace: string | undefined,
  spec: unknown,
): { policy: PolicyInput; issues: readonly string[] } {
  const { update, issues } = parse(kind, namespace, { metadata: { name: 'it' }, spec });
  if (update.kind !== 'policy' || update.value === undefined) throw new Error('no policy');
  return { policy: update.value, issues };
}

function entityText(side: EntityMatch): Readonly<Record<string, unknown>> {
  const { nets, notNets, selector, notSelector, ...ports } = side;
  const all = {
    nets: nets.map(formatCidr),
    notNets: notNets.map(formatCidr),
    selector: selector && formatSelector(selector),
    notSelector: notSelector && formatSelector(notSelector),
    ...ports,
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined && value.length !== 0));
}

function ruleText({ source, destination, ...rule }: RuleInput) {
  const given = Object.entries(rule).filter(([, value]) => value !== undefined);
  return { ...Object.fromEntries(given), source: entityText(source), destination: entityText(destination) };
}

describe('which endpoints', () => {
  const table: readonly (readonly [kind: string, spec: Readonly<Record<string, unknown>>, selector: string])[] = [
    ['GlobalNetworkPolicy', {}, 'all()'],
    ['GlobalNetworkPolicy', { selector: '' }, 'all()'],
    ['GlobalNetworkPolicy', { selector: 'has(a)' }, 'has(a)'],
    ['GlobalNetworkPolicy', { namespaceSelector: "env == 'prod'" }, 'pcns.env == "prod"'],
    [
      'GlobalNetworkPolicy',
      { selector: 'has(a)', namespaceSelector: 'all()' },
      '(has(a) && has(projectcalico.org/namespace))',
    ],
    ['GlobalNetworkPolicy', { serviceAccountSelector: 'has(x)' }, 'has(pcsa.x)'],
    ['GlobalNetworkPolicy', { serviceAccountSelector: 'all()' }, 'has(projectcalico.org/serviceaccount)'],
    ['NetworkPolicy', {}, 'projectcalico.org/namespace == "ns"'],
    ['NetworkPolicy', { selector: 'has(a) || has(b)' }, '((has(a) || has(b)) && projectcalico.org/namespace == "ns")'],
    ['NetworkPolicy', { serviceAccountSelector: 'has(x)' }, '(projectcalico.org/namespace == "ns" && has(pcsa.x))'],
    ['NetworkPolicy', { namespaceSelector: 'all()' }, 'projectcalico.org/namespace == "ns"'],
  ];
  for (const [kind, spec, selector] of table) {
    test(`${kind} ${JSON.stringify(spec)}`, () => {
      const { policy, issues } = policyOf(kind, kind === 'NetworkPolicy' ? 'ns' : undefined, spec);
      expect([formatSelector(policy.selector), issues]).toEqual([selector, []]);
    });
  }
});

describe('which sources', () => {
  const table: readonly (readonly [
    namespace: string | undefined,
    source: Readonly<Record<string, unknown>>,
    expected: unknown,
  ])[] = [
    [undefined, {}, {}],
    [undefined, { selector: 'has(a)' }, { selector: 'has(a)' }],
    [undefined, { notSelector: 'has(a)' }, { notSelector: 'has(a)' }],
    [undefined, { namespaceSelector: 'all()' }, { selector: 'has(projectcalico.org/namespace)' }],
    [undefined, { namespaceSelector: 'global()' }, { selector: '!has(projectcalico.org/namespace)' }],
    [undefined, { namespaceSelector: "k == 'v'", selector: 'has(a)' }, { selector: '(pcns.k == "v" && has(a))' }],
    [
      undefined,
      { serviceAccounts: { names: ['b', 'a'] } },
      { selector: 'projectcalico.org/serviceaccount in {"a", "b"}' },
    ],
    [
      undefined,
      { serviceAccounts: { names: ['a'], selector: 'has(x)' }, selector: 'has(a)' },
      { selector: '((has(pcsa.x) && projectcalico.org/serviceaccount in {"a"}) && has(a))' },
    ],
    ['ns', { nets: ['10.0.0.0/8'] }, { nets: ['10.0.0.0/8'] }],
    ['ns', { selector: 'has(a)' }, { selector: '(projectcalico.org/namespace == "ns" && has(a))' }],
    ['ns', { notSelector: 'has(a)' }, { selector: 'projectcalico.org/namespace == "ns"', notSelector: 'has(a)' }],
    [
      'ns',
      { namespaceSelector: 'all()', selector: 'has(a)' },
      { selector: '(has(projectcalico.org/namespace) && has(a))' },
    ],
    ['ns', { namespaceSelector: 'has(b)', notSelector: 'has(a)' }, { selector: 'has(pcns.b)', notSelector: 'has(a)' }],
    [
      'ns',
      { serviceAccounts: { names: ['a'] } },
      { selector: '(projectcalico.org/namespace == "ns" && projectcalico.org/serviceaccount in {"a"})' },
    ],
  ];
  for (const [namespace, source, expected] of table) {
    test(`${namespace ?? 'global'} ${JSON.stringify(source)}`, () => {
      const kind = namespace === undefined ? 'GlobalNetworkPolicy' : 'NetworkPolicy';
      const { policy, issues } = policyOf(kind, namespace, { ingress: [{ action: 'Allow', source }] });
      const [rule] = policy.ingress ?? [];
      expect<unknown>([rule && entityText(rule.source), issues]).toEqual([expected, []]);
    });
  }
});

test('a rule with everything', () => {
  const rule = {
    action: 'Deny',
    protocol: 'TCP',
    source: { nets: ['10.0.0.0/8'], notNets: ['10.1.0.0/16'], notPorts: [22] },
    destination: { ports: [80, '8000:8010', 'web'], notPorts: ['admin'] },
    metadata: { annotations: { why: 'because', who: 'me' } },
  };
  const { policy, issues } = policyOf('GlobalNetworkPolicy', undefined, { ingress: [{ action: 'Log' }, rule] });
  expect(issues).toEqual([]);
  expect<unknown>(policy.ingress?.map(ruleText)).toEqual([
    { index: 0, action: 'log', source: {}, destination: {} },
    {
      index: 1,
      action: 'deny',
      family: 4,
      protocol: 6,
      source: { nets: ['10.0.0.0/8'], notNets: ['10.1.0.0/16'], notPorts: [{ min: 22, max: 22 }] },
      destination: {
        ports: [
          { min: 80, max: 80 },
          { min: 8000, max: 8010 },
        ],
        namedPorts: ['web'],
        notNamedPorts: ['admin'],
      },
      comment: 'who=me, why=because',
    },
  ]);
});

describe('a rule that cannot be understood', () => {
  const denied = [blanketRule('deny', 1)];
  const table: readonly (readonly [rule: unknown, becomes: readonly RuleInput[], issue: string])[] = [
    [{ action: 'Allow', source: { selector: 'oops' } }, [], 'spec.ingress[1].source.selector: '],
    [{ action: 'Log', source: { selector: 'oops' } }, [], 'spec.ingress[1].source.selector: '],
    [{ action: 'Deny', source: { selector: 'oops' } }, denied, 'spec.ingress[1].source.selector: '],
    [{ action: 'Pass', source: { nets: ['10.0.0.1'] } }, denied, 'spec.ingress[1].source.nets[0]: '],
    [{ action: 'allow' }, denied, 'spec.ingress[1].action: '],
    [{}, denied, 'spec.ingress[1].action: '],
    [null, denied, 'spec.ingress[1].: '],
    ['Allow', denied, 'spec.ingress[1].: '],
    [{ action: 'Allow', onlyOnMondays: true }, [], 'spec.ingress[1].onlyOnMondays: '],
    [{ action: 'Deny', onlyOnMondays: true }, denied, 'spec.ingress[1].onlyOnMondays: '],
    [{ action: 'Allow', protocol: 'TCP', http: { methods: ['GET'] } }, [], 'spec.ingress[1].http: '],
    [{ action: 'Allow', source: { services: { name: 's' } } }, [], 'spec.ingress[1].source.services: '],
  ];
  for (const [rule, becomes, issue] of table) {
    test(JSON.stringify(rule), () => {
      const spec = { ingress: [{ action: 'Allow' }, rule, { action: 'Pass' }] };
      const { policy, issues } = policyOf('GlobalNetworkPolicy', undefined, spec);
      expect(policy.ingress).toEqual([blanketRule('allow', 0), ...becomes, blanketRule('pass', 2)]);
      expect(issues).toHaveLength(1);
      expect(issues[0]).toStartWith(issue);
    });
  }
});

describe('a policy that cannot be understood drops what it may have dropped', () => {
  const closed = (more: Partial<PolicyInput>): PolicyInput => ({
    tier: 'default',
    order: Infinity,
    selector: { kind: 'all' },
    ingress: [blanketRule('deny')],
    egress: undefined,
    phase: 'normal',
    neededEverywhere: false,
    ...more,
  });
  const bothWays = { egress: [blanketRule('deny')] };
  const nowhere: Partial<PolicyInput> = { ...bothWays, tier: '', order: -Infinity, phase: 'forward' };
  const table: readonly (readonly [spec: unknown, expected: PolicyInput, issue: string])[] = [
    [undefined, closed(nowhere), 'spec: found nothing, wanted an object'],
    ['x', closed(nowhere), 'spec: found "x", wanted an object'],
    [
      { selector: 'oops', tier: 't', order: 5, types: ['Egress'] },
      closed({ ...bothWays, ingress: undefined, tier: 't', order: 5 }),
      'spec.selector: found "oops", wanted a selector without global()',
    ],
    [{ selector: 'global()' }, closed({}), 'spec.selector: found "global()", wanted a selector without global()'],
    [
      { selector: 'has(a)', namespaceSelector: 7, egress: [{ action: 'Allow' }] },
      closed({ ...bothWays, ingress: undefined, selector: { kind: 'has', label: 'a' } }),
      'spec.namespaceSelector: found 7, wanted a selector without global()',
    ],
    [{ order: 'first' }, closed({ order: -Infinity }), 'spec.order: found "first", wanted a number'],
    [{ tier: 1, order: 2 }, closed({ tier: '', order: 2 }), 'spec.tier: found 1, wanted the name of a tier'],
    [{ types: ['Both'] }, closed(bothWays), 'spec.types: found a list of 1, wanted a list of Ingress and Egress'],
    [{ types: 'Ingress' }, closed(bothWays), 'spec.types: found "Ingress", wanted a list'],
    [{ doNotTrack: 'no' }, closed({ phase: 'forward' }), 'spec.doNotTrack: found "no", wanted true or false'],
  ];
  for (const [spec, expected, issue] of table) {
    test(JSON.stringify(spec) ?? 'no spec', () => {
      const { policy, issues } = policyOf('GlobalNetworkPolicy', undefined, spec);
      expect(policy).toEqual(expected);
      expect(issues[0] ?? '').toBe(issue);
    });
  }
  test('in its namespace', () => {
    const { policy } = policyOf('NetworkPolicy', 'ns', { selector: 'oops' });
    expect(formatSelector(policy.selector)).toBe('projectcalico.org/namespace == "ns"');
  });
  test('rules that are no list', () => {
    const { policy, issues } = policyOf('GlobalNetworkPolicy', undefined, {
      ingress: 'Allow',
      egress: [{ action: 'Allow' }],
      types: ['Ingress', 'Egress'],
    });
    expect([policy.ingress, policy.egress]).toEqual([[blanketRule('deny')], [blanketRule('allow')]]);
    expect(issues).toEqual(['spec.ingress: found "Allow", wanted a list of rules']);
  });
  test('what is no JSON at all', () => {
    expect(parse('GlobalNetworkPolicy', undefined, null)).toEqual({
      update: { kind: 'policy', id: 'GlobalNetworkPolicy//it', value: closed(nowhere) },
      issues: ['document: found nothing, wanted a resource', 'spec: found nothing, wanted an object'],
    });
    expect(parse('Profile', undefined, null).update).toEqual({
      kind: 'profile',
      id: 'it',
      value: { labelsToApply: undefined, ingress: [blanketRule('deny')], egress: [blanketRule('deny')] },
    });
    const anything = { profiles: [''], addresses: [], ports: [], partial: true, local: undefined };
    const namespace = { 'projectcalico.org/namespace': 'ns' };
    expect(parse('WorkloadEndpoint', 'ns', null).update).toEqual({
      kind: 'endpoint',
      id: 'ns/it',
      value: { ...anything, labels: namespace },
    });
    expect(parse('HostEndpoint', undefined, null).update).toEqual({
      kind: 'endpoint',
      id: 'HostEndpoint//it',
      value: { ...anything, labels: {} },
    });
    expect(parse('NetworkSet', 'ns', null).update).toEqual({
      kind: 'network-set',
      id: 'NetworkSet/ns/it',
      value: { labels: namespace, profiles: ['', 'kns.ns'], nets: [], partial: true },
    });
    expect(parse('Tier', undefined, null).update).toEqual({
      kind: 'tier',
      id: 'it',
      value: { order: Infinity, defaultAction: 'deny', closed: true },
    });
  });
});

describe('endpoints', () => {
  const spec = {
    node: 'here',
    orchestrator: 'rkt',
    interfaceName: 'cali123',
    mac: 'EE-EE-EE-00-00-01',
    ipNetworks: ['10.0.0.1/32', 'fd00::1/128', '10.0.0.1'],
    profiles: ['n1', 'n2', 'n1'],
    serviceAccountName: 'robot',
    allowSpoofedSourcePrefixes: ['10.9.8.7/24', '192.0.2.1'],
    ports: [
      { name: 'web', protocol: 'tcp', port: 80 },
      { name: '', protocol: 'TCP', port: 81, hostPort: 81 },
      { protocol: 'TCP', port: 82, hostPort: 82 },
    ],
  };
  const labels = {
    a: 'b',
    'projectcalico.org/namespace': 'kube-system',
    'pcns.env': 'prod',
    'pcsa.x': 'y',
  };
  const value = { metadata: { name: 'it', labels }, spec };

  test('of this node', () => {
    const { update, issues } = parse('WorkloadEndpoint', 'ns', value);
    if (update.kind !== 'endpoint' || update.value === undefined) throw new Error('no endpoint');
    const { addresses, local, ...rest } = update.value;
    expect(issues).toEqual([]);
    expect(addresses.map(formatIp)).toEqual(['10.0.0.1', 'fd00::1']);
    expect(local?.allowedSources.map(formatCidr)).toEqual(['10.9.8.0/24', '192.0.2.1/32']);
    expect({ ...local, allowedSources: [] }).toEqual({
      interfaceName: 'cali123',
      mac: expect.anything(),
      allowedSources: [],
    });
    expect(String(local?.mac)).toBe('ee:ee:ee:00:00:01');
    expect(rest).toEqual({
      labels: {
        a: 'b',
        'projectcalico.org/namespace': 'ns',
        'projectcalico.org/orchestrator': 'rkt',
        'projectcalico.org/serviceaccount': 'robot',
      },
      profiles: ['n1', 'n2'],
      ports: [{ name: 'web', protocol: 6, port: 80 }],
      partial: false,
    });
  });

  test('of another node', () => {
    const { update } = parse('WorkloadEndpoint', 'ns', { ...value, spec: { ...spec, node: 'there' } });
    expect(update.kind === 'endpoint' && update.value?.local).toBeUndefined();
  });

  test('without addresses takes part in nothing', () => {
    const { update } = parse('WorkloadEndpoint', 'ns', { ...value, spec: { ...spec, ipNetworks: [] } });
    expect(update).toEqual({ kind: 'endpoint', id: 'ns/it', value: undefined });
  });

  test('what cannot be understood may be anything', () => {
    const bad = {
      node: 'here',
      interfaceName: 'far-too-long-a-name',
      mac: 'x',
      ipNetworks: ['10.0.0.1', '10.0.0.0/24', 7],
      profiles: 'n1',
      ports: [{ name: 'web', protocol: 'TCP', port: 0 }, 'web'],
    };
    const { update, issues } = parse('WorkloadEndpoint', 'ns', { metadata: { labels: { a: 1, b: 'x' } }, spec: bad });
    expect(issues).toEqual([
      'spec.ipNetworks[1]: found "10.0.0.0/24", wanted an address, or a range of one address',
      'spec.ipNetworks[2]: found 7, wanted an address, or a range of one address',
      'spec.ports[0]: found an object, wanted a port with name, protocol and number from 1 to 65535',
      'spec.ports[1]: found "web", wanted a port with name, protocol and number from 1 to 65535',
      'spec.interfaceName: found "far-too-long-a-name", wanted an interface name: 1 to 15 letters, digits, "_", "." and "-"',
      'metadata.labels.a: found 1, wanted a text',
      'spec.profiles: found "n1", wanted a list',
    ]);
    if (update.kind !== 'endpoint' || update.value === undefined) throw new Error('no endpoint');
    expect({ ...update.value, addresses: update.value.addresses.map(formatIp) }).toEqual({
      labels: { b: 'x', 'projectcalico.org/namespace': 'ns' },
      profiles: [''],
      addresses: ['10.0.0.1'],
      ports: [],
      partial: true,
      local: undefined,
    });
  });

  test('an endpoint whose MAC address cannot be understood is not let onto its interface', () => {
    const { update } = parse('WorkloadEndpoint', 'ns', { ...value, spec: { ...spec, mac: 'x' } });
    expect(update.kind === 'endpoint' && update.value?.local).toBeUndefined();
  });

  test('a host endpoint gives its expected addresses', () => {
    const { update } = parse('HostEndpoint', undefined, {
      metadata: { labels: { role: 'host', 'projectcalico.org/namespace': 'ns' } },
      spec: { node: 'there', interfaceName: 'eth0', expectedIPs: ['10.99.0.1'], profiles: ['n1'] },
    });
    if (update.kind !== 'endpoint' || update.value === undefined) throw new Error('no endpoint');
    expect(update.id).toBe('HostEndpoint//it');
    expect({ ...update.value, addresses: update.value.addresses.map(formatIp) }).toEqual({
      labels: { role: 'host' },
      profiles: ['n1'],
      addresses: ['10.99.0.1'],
      ports: [],
      partial: false,
      local: undefined,
    });
  });

  test.each([
    [{ interfaceName: 'eth0' }, { interfaceName: 'eth0', expectedIps: [], closed: false }],
    [{ interfaceName: '*' }, { interfaceName: '*', expectedIps: [], closed: false }],
    [{ expectedIPs: ['fd00::1'] }, { interfaceName: undefined, expectedIps: [parseIp('fd00::1')], closed: false }],
    [{ interfaceName: 7 }, { interfaceName: '*', expectedIps: [], closed: true }],
    [{ expectedIPs: ['x'] }, { interfaceName: '*', expectedIps: [], closed: true }],
  ])('the interfaces of a host endpoint of this node: %j', (given, host) => {
    const { update } = parse('HostEndpoint', undefined, { metadata: {}, spec: { node: 'here', ...given } });
    expect(update.kind === 'endpoint' && update.value?.host).toEqual(host);
  });

  test('a host endpoint of another node protects nothing here', () => {
    const spec = { node: 'there', interfaceName: 'eth0' };
    expect(parse('HostEndpoint', undefined, { metadata: {}, spec }).update).toMatchObject({ value: undefined });
  });
});

describe('network sets', () => {
  const value = {
    metadata: { labels: { place: 'office', 'projectcalico.org/namespace': 'other' } },
    spec: { nets: ['198.51.100.9/28', '203.0.113.7', '0.0.0.0/0', '::/0', 'nowhere'] },
  };
  const nets = ['198.51.100.0/28', '203.0.113.7/32', '0.0.0.0/1', '128.0.0.0/1', '::/1', '8000::/1'];
  const issues = ['spec.nets[4]: found "nowhere", wanted an address or a range'];

  for (const [kind, namespace, id, labels, profiles] of [
    ['GlobalNetworkSet', undefined, 'GlobalNetworkSet//it', { place: 'office' }, []],
    ['NetworkSet', 'ns', 'NetworkSet/ns/it', { place: 'office', 'projectcalico.org/namespace': 'ns' }, ['kns.ns']],
  ] as const) {
    test(kind, () => {
      const parsed = parse(kind, namespace, value);
      if (parsed.update.kind !== 'network-set' || parsed.update.value === undefined) throw new Error('no network set');
      expect(parsed.update.id).toBe(id);
      expect(parsed.issues).toEqual(issues);
      const { nets: found, ...rest } = parsed.update.value;
      expect([found.map(formatCidr), rest]).toEqual([nets, { labels, profiles: [...profiles], partial: true }]);
    });
  }
});

test('other kinds are not looked at', () => {
  for (const kind of ['StagedKubernetesNetworkPolicy', 'IPPool', 'Node']) {
    expect(parsePolicyUpdate({ kind, namespace: 'ns', name: 'it' }, { spec: {} }, 'here')).toBeUndefined();
  }
});

test('a staged policy is read as the policy that it is a trial of, where it sets one', () => {
  const spec = { tier: 'net', order: 7, selector: "a == 'b'", ingress: [{ action: 'Deny' }] };
  const read = (kind: string, stagedAction: unknown) =>
    parsePolicyUpdate({ kind, namespace: 'ns', name: 'it' }, { spec: { ...spec, stagedAction } }, 'here');
  for (const action of [undefined, '', 'Set']) {
    const staged = read('StagedNetworkPolicy', action);
    expect(staged?.update).toMatchObject({ kind: 'policy', id: 'StagedNetworkPolicy/ns/it' });
    expect({ ...staged?.update, id: 'NetworkPolicy/ns/it' } as never).toEqual(
      read('NetworkPolicy', undefined)?.update as never,
    );
  }
  const none = { kind: 'policy', id: 'StagedGlobalNetworkPolicy//it', value: undefined };
  for (const action of ['Delete', 'Ignore', 'Learn'])
    expect(read('StagedGlobalNetworkPolicy', action)).toEqual({ update: none, issues: [] } as never);
  expect(read('StagedGlobalNetworkPolicy', 'Set it')).toEqual({
    update: none,
    issues: [{ path: 'spec.stagedAction', found: '"Set it"', wanted: 'Set, Delete, Learn or Ignore' }],
  } as never);
});

test('a resource that is gone', () => {
  for (const [kind, expected] of [
    ['WorkloadEndpoint', { kind: 'endpoint', id: 'ns/it', value: undefined }],
    ['HostEndpoint', { kind: 'endpoint', id: 'HostEndpoint//it', value: undefined }],
    ['NetworkSet', { kind: 'network-set', id: 'NetworkSet/ns/it', value: undefined }],
    ['GlobalNetworkSet', { kind: 'network-set', id: 'GlobalNetworkSet//it', value: undefined }],
    ['NetworkPolicy', { kind: 'policy', id: 'NetworkPolicy/ns/it', value: undefined }],
    ['GlobalNetworkPolicy', { kind: 'policy', id: 'GlobalNetworkPolicy//it', value: undefined }],
    ['Profile', { kind: 'profile', id: 'it', value: undefined }],
    ['Tier', { kind: 'tier', id: 'it', value: undefined }],
  ] as const) {
    expect(parse(kind, 'ns', undefined)).toEqual({ update: expected, issues: [] });
  }
});

test('whatever the store holds, reading it never throws, and the calculation takes the result', () => {
  const field = fc.constantFrom(
    'spec',
    'metadata',
    'labels',
    'ingress',
    'egress',
    'selector',
    'action',
    'source',
    'nets',
    'ports',
    'order',
    'tier',
    'types',
    'node',
    'ipNetworks',
    'profiles',
    'interfaceName',
    'labelsToApply',
    '__proto__',
  );
  const leaf = fc.constantFrom(
    null,
    0,
    7,
    -1.5,
    true,
    '',
    'Allow',
    'Deny',
    'here',
    'all()',
    'oops',
    '10.0.0.1',
    '10.0.0.0/8',
    'cali1',
    'Ingress',
  );
  const { json } = fc.letrec<{ json: unknown }>((tie) => ({
    json: fc.oneof(
      { maxDepth: 5, depthSize: 'medium' },
      leaf,
      fc.array(tie('json'), { maxLength: 3 }),
      fc.dictionary(field, tie('json'), { maxKeys: 5 }),
    ),
  }));
  const kind = fc.constantFrom(
    'WorkloadEndpoint',
    'HostEndpoint',
    'NetworkSet',
    'GlobalNetworkSet',
    'NetworkPolicy',
    'GlobalNetworkPolicy',
    'Profile',
    'Tier',
  );
  const value = fc.oneof(json, fc.record({ metadata: json, spec: fc.dictionary(field, json) }));
  fc.assert(
    fc.property(fc.array(fc.tuple(kind, value), { maxLength: 8 }), (resources) => {
      const calculation = createPolicyCalculation();
      calculation.update({ kind: 'in-sync' });
      const state = nothingDelivered();
      for (const [name, one] of resources) {
        calculation.update(parse(name, 'ns', one).update);
        deliverAll(state, calculation.flush());
      }
    }),
    { seed: 404, numRuns: 1500 },
  );
});
