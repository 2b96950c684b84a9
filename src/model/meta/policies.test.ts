import { expect, test } from 'bun:test';
import { documentOf, issuesOf, storedText } from '../../../test/support/model/documents.ts';
import { globalNetworkPolicy } from '../policy/global-network-policy.ts';
import { networkPolicy } from '../policy/network-policy.ts';
import { profile } from '../policy/profile.ts';
import { stagedGlobalNetworkPolicy } from '../policy/staged-global-network-policy.ts';
import { stagedNetworkPolicy } from '../policy/staged-network-policy.ts';
import { tier } from '../policy/tier.ts';
import { parseStored } from './stored.ts';

/** What a policy with this rule stores, rule only; the rule is in ingress. */
function storedRule(rule: unknown): string {
  const text = storedText(profile, documentOf(profile, { ingress: [rule] }));
  return /"ingress":\[(.*)\]\}\}$/.exec(text)?.[1] ?? text;
}

function ruleIssues(rule: unknown): readonly string[] {
  return issuesOf(profile, documentOf(profile, { ingress: [rule] }));
}

test.each<[unknown, string]>([
  [{ action: 'Allow' }, '{"action":"Allow"}'],
  [{ source: {}, action: 'Deny', destination: { nets: [] } }, '{"action":"Deny"}'],
  [
    { protocol: 'tcp', action: 'Allow', destination: { ports: ['80', '1:2', 'http'] } },
    '{"action":"Allow","protocol":"TCP","destination":{"ports":[80,"1:2","http"]}}',
  ],
  [
    { action: 'Deny', protocol: '58', icmp: { code: 0, type: 8 } },
    '{"action":"Deny","protocol":58,"icmp":{"type":8,"code":0}}',
  ],
  [{ action: 'Allow', source: { ports: ['http'] } }, '{"action":"Allow","source":{"ports":["http"]}}'],
  [
    { action: 'Allow', http: { methods: ['GET'], paths: [{ exact: '/a' }] }, protocol: 6 },
    '{"action":"Allow","protocol":6,"http":{"methods":["GET"],"paths":[{"exact":"/a"}]}}',
  ],
  [
    { action: 'Allow', metadata: { annotations: { b: '1', a: '2' } } },
    '{"action":"Allow","metadata":{"annotations":{"a":"2","b":"1"}}}',
  ],
  [
    { action: 'Allow', source: { selector: "a == 'b'", namespaceSelector: 'global()' } },
    '{"action":"Allow","source":{"selector":"a == \'b\'","namespaceSelector":"global()"}}',
  ],
])('rule %j is stored', (rule, expected) => {
  expect(storedRule(rule)).toBe(expected);
});

const at = 'spec.ingress[0]';
const tcp = 'protocol TCP, UDP or SCTP beside them';

test.each<[unknown, readonly string[]]>([
  [{}, [`${at}.action: found nothing, wanted Allow`.replace('wanted Allow', 'wanted one of Allow, Deny, Log, Pass')]],
  [{ action: 'allow' }, [`${at}.action: found "allow", wanted one of Allow, Deny, Log, Pass`]],
  [{ action: 'Allow', ipVersion: 5 }, [`${at}.ipVersion: found 5, wanted one of 4, 6`]],
  [{ action: 'Allow', source: { ports: [80] } }, [`${at}.source.ports: found ports without a protocol, wanted ${tcp}`]],
  [
    { action: 'Allow', protocol: 'ICMP', destination: { notPorts: ['http'] } },
    [`${at}.destination.notPorts: found ports with protocol ICMP, wanted ${tcp}`],
  ],
  [
    { action: 'Allow', source: { nets: ['10.0.0.1'] } },
    [`${at}.source.nets[0]: found "10.0.0.1", wanted a range such as 10.0.0.0/8, host bits zero`],
  ],
  [
    { action: 'Allow', source: { nets: ['10.0.0.0/8'] }, destination: { notNets: ['fd00::/8'] } },
    [`${at}.destination.notNets[0]: found "fd00::/8", wanted ranges of one family in a rule`],
  ],
  [
    { action: 'Allow', ipVersion: 6, source: { nets: ['10.0.0.0/8'] } },
    [`${at}.source.nets[0]: found "10.0.0.0/8", wanted a range of ipVersion 6`],
  ],
  [
    { action: 'Allow', source: { notNets: ['0.0.0.0/0'] } },
    [
      `${at}.source.notNets[0]: found "0.0.0.0/0", wanted a range such as 10.0.0.0/8, host bits zero, that is not everything`,
    ],
  ],
  [
    { action: 'Allow', icmp: { type: 8 } },
    [`${at}.icmp: found an ICMP match, wanted protocol ICMP or ICMPv6 beside it`],
  ],
  [
    { action: 'Allow', protocol: 'ICMP', icmp: { code: 8 } },
    [`${at}.icmp.type: found nothing, wanted a type beside the code`],
  ],
  [
    { action: 'Allow', protocol: 'ICMPv6', ipVersion: 4 },
    [`${at}.protocol: found "ICMPv6", wanted ipVersion 6 beside it`],
  ],
  [{ action: 'Allow', notProtocol: 1, ipVersion: 6 }, [`${at}.notProtocol: found 1, wanted ipVersion 4 beside it`]],
  [
    { action: 'Deny', http: { methods: ['GET'] } },
    [`${at}.http: found an HTTP match with action Deny, wanted action Allow beside it`],
  ],
  [
    { action: 'Allow', protocol: 'UDP', http: { paths: [{ prefix: '/a b' }] } },
    [
      `${at}.http.paths[0].prefix: found "/a b", wanted a path of at most 1024 characters that begins with "/" and has no "?", "#" or space`,
      `${at}.http: found an HTTP match with protocol UDP, wanted protocol TCP or none beside it`,
    ],
  ],
  [
    { action: 'Allow', protocol: 'UDP', http: {} },
    [`${at}.http: found an HTTP match with protocol UDP, wanted protocol TCP or none beside it`],
  ],
  [{ action: 'Allow', http: { paths: [{}] } }, [`${at}.http.paths[0]: found neither, wanted either exact or prefix`]],
  [
    { action: 'Allow', source: { services: { name: 's' }, nets: ['10.0.0.0/8'], selector: 'all()' } },
    [
      `${at}.source.selector: found "all()", wanted nothing beside services`,
      `${at}.source.nets: found a list of 1, wanted nothing beside services`,
    ],
  ],
  [
    { action: 'Allow', destination: { services: { name: 's' } } },
    ['spec.ingress[0].destination.services: found services, wanted services as the source of ingress rules'],
  ],
  [
    { action: 'Allow', source: { namespaceSelector: '!global()' } },
    [`${at}.source.namespaceSelector: found "!global()", wanted global() alone or not at all`],
  ],
])('rule %j is refused', (rule, expected) => {
  expect(ruleIssues(rule)).toEqual(expected);
});

test('at most 1024 rules', () => {
  const rules = new Array(1025).fill({ action: 'Allow' });
  expect(issuesOf(profile, documentOf(profile, { egress: rules }))).toEqual([
    'spec.egress: found 1025 items, wanted at most 1024',
  ]);
});

test('egress rules have no HTTP match and no service as source', () => {
  const rule = { action: 'Allow', http: { methods: ['GET'] }, source: { services: { name: 's' } } };
  expect(issuesOf(profile, documentOf(profile, { egress: [rule] }))).toEqual([
    'spec.egress[0].source.services: found services, wanted services as the destination of egress rules',
    'spec.egress[0].http: found an HTTP match, wanted HTTP matches in ingress rules only',
  ]);
});

test.each<[string, unknown, string]>([
  ['nothing', {}, '"types":["Ingress"]'],
  ['ingress', { ingress: [{ action: 'Deny' }] }, '"types":["Ingress"]'],
  ['egress', { egress: [{ action: 'Deny' }] }, '"types":["Egress"]'],
  ['both', { ingress: [{ action: 'Deny' }], egress: [{ action: 'Deny' }] }, '"types":["Ingress","Egress"]'],
  ['an empty list', { types: [], egress: [{ action: 'Deny' }] }, '"types":["Egress"]'],
  ['given', { types: ['Egress', 'Ingress'] }, '"types":["Egress","Ingress"]'],
])('types of a policy with %s', (_name, spec, expected) => {
  expect(storedText(networkPolicy, documentOf(networkPolicy, spec))).toContain(expected);
});

test('a policy is stored with its tier as label and its name as annotation, and shown without the annotation', () => {
  const document = documentOf(
    globalNetworkPolicy,
    { tier: 'security', order: 10, selector: "role == 'web'", egress: [{ action: 'Pass' }] },
    { name: 'security.web', labels: { z: 'y' } },
  );
  const text = storedText(globalNetworkPolicy, document);
  expect(text).toBe(
    '{"kind":"GlobalNetworkPolicy","apiVersion":"projectcalico.org/v3","metadata":{"name":"security.web",' +
      '"labels":{"projectcalico.org/tier":"security","z":"y"},' +
      '"annotations":{"projectcalico.org/metadata":"{\\"name\\":\\"security.web\\"}"}},' +
      '"spec":{"tier":"security","order":10,"egress":[{"action":"Pass"}],"selector":"role == \'web\'","types":["Egress"]}}',
  );
  const shown = parseStored(globalNetworkPolicy, JSON.parse(text));
  expect(shown.metadata.annotations).toBeUndefined();
  expect(shown.metadata.labels).toEqual({ 'projectcalico.org/tier': 'security', z: 'y' });
});

test.each<[unknown, readonly string[]]>([
  [
    { doNotTrack: true, preDNAT: true, applyOnForward: true },
    ['spec.preDNAT: found true, wanted false beside doNotTrack'],
  ],
  [{ doNotTrack: true }, ['spec.applyOnForward: found nothing, wanted true beside doNotTrack']],
  [
    { preDNAT: true, applyOnForward: true, egress: [{ action: 'Deny' }] },
    ['spec.egress: found a list of 1, wanted ingress rules only, beside preDNAT'],
  ],
  [{ types: ['Ingress', 'Ingress'] }, ['spec.types[1]: found "Ingress" a second time, wanted every item once']],
  [
    { tier: 'a.b' },
    [
      'spec.tier: found "a.b", wanted lower-case letters, digits and "-" that start and end with a letter or digit, at most 63 characters',
    ],
  ],
  [
    { selector: 'global()' },
    ['spec.selector: found "global()", wanted a selector such as role == \'web\', without global()'],
  ],
  [{ performanceHints: ['x'] }, ['spec.performanceHints[0]: found "x", wanted one of AssumeNeededOnEveryNode']],
])('global policy %j is refused', (spec, expected) => {
  expect(issuesOf(globalNetworkPolicy, documentOf(globalNetworkPolicy, spec))).toEqual(expected);
});

test('names of policies have at most one dot', () => {
  const wanted = 'a name of lower-case letters, digits and "-", with at most one dot after a tier';
  expect(issuesOf(networkPolicy, documentOf(networkPolicy, {}, { name: 'a.b.c' }))).toEqual([
    `metadata.name: found "a.b.c", wanted ${wanted}`,
  ]);
});

test('kinds without namespaces refuse one', () => {
  expect(issuesOf(globalNetworkPolicy, documentOf(globalNetworkPolicy, {}, { namespace: 'a' }))).toEqual([
    'metadata.namespace: found "a", wanted nothing: GlobalNetworkPolicy is not namespaced',
  ]);
});

test('staged policies', () => {
  expect(storedText(stagedNetworkPolicy, documentOf(stagedNetworkPolicy, { ingress: [{ action: 'Deny' }] }))).toContain(
    '"spec":{"stagedAction":"Set","tier":"default","ingress":[{"action":"Deny"}],"types":["Ingress"]}',
  );
  expect(
    storedText(stagedGlobalNetworkPolicy, documentOf(stagedGlobalNetworkPolicy, { stagedAction: 'Delete' })),
  ).toContain('"spec":{"stagedAction":"Delete","tier":"default"}');
  expect(
    issuesOf(
      stagedGlobalNetworkPolicy,
      documentOf(stagedGlobalNetworkPolicy, { stagedAction: 'Delete', order: 1, selector: 'all()' }),
    ),
  ).toEqual([
    'spec.order: found 1, wanted nothing beside stagedAction Delete',
    'spec.selector: found "all()", wanted nothing beside stagedAction Delete',
  ]);
});

test('tiers', () => {
  expect(storedText(tier, documentOf(tier, {}))).toBe(
    '{"kind":"Tier","apiVersion":"projectcalico.org/v3","metadata":{"name":"name"},"spec":{"order":1000000,"defaultAction":"Deny"},"status":{}}',
  );
  expect(issuesOf(tier, documentOf(tier, { order: 5, defaultAction: 'Deny' }, { name: 'kube-admin' }))).toEqual([
    'spec.order: found 5, wanted 1000 for kube-admin',
    'spec.defaultAction: found "Deny", wanted Pass for kube-admin',
  ]);
  expect(issuesOf(tier, documentOf(tier, {}, { name: 'a.b' }))).toHaveLength(1);
  const named = (name: string, order: number) => parseStored(tier, documentOf(tier, { order }, { name }));
  const sorted = [named('b', 5), named('a', 5), named('c', 1)].sort((a, b) => tier.compare?.(a, b) ?? 0);
  expect(sorted.map((one) => one.metadata.name)).toEqual(['c', 'a', 'b']);
});

test('profiles', () => {
  expect(
    storedText(profile, {
      kind: 'Profile',
      apiVersion: 'projectcalico.org/v3',
      metadata: { name: 'network1' },
      spec: {
        labelsToApply: { network1: '' },
        egress: [{ action: 'Allow' }],
        ingress: [{ action: 'Allow', source: { selector: 'has(network1)' } }],
      },
    }),
  ).toBe(
    '{"kind":"Profile","apiVersion":"projectcalico.org/v3","metadata":{"name":"network1"},"spec":{"ingress":[{"action":"Allow","source":{"selector":"has(network1)"}}],"egress":[{"action":"Allow"}],"labelsToApply":{"network1":""}}}',
  );
  expect(issuesOf(profile, documentOf(profile, { labelsToApply: { 'a b': 'c d' } }))).toEqual([
    'spec.labelsToApply["a b"]: found "a b", wanted a label name: letters, digits, "-", "_", "." with an optional "prefix/"',
    'spec.labelsToApply["a b"]: found "c d", wanted a label value: at most 63 letters, digits, "-", "_" and "."',
  ]);
});

test('the ten-thousandth reading of a policy is like the first', () => {
  const document = documentOf(globalNetworkPolicy, {
    order: 1,
    selector: "app == 'a'",
    ingress: [
      { action: 'Allow', protocol: 'TCP', source: { selector: "role == 'client'" }, destination: { ports: [80, 443] } },
      { action: 'Deny' },
    ],
    egress: [{ action: 'Allow' }],
  });
  let issues = 0;
  for (let i = 0; i < 10_000; i++) issues += issuesOf(globalNetworkPolicy, document).length;
  expect(issues).toBe(0);
});

/** So many ranges of one address each. */
function ranges(count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => `10.0.${index >> 8}.${index & 255}/32`);
}

function numbers(count: number): readonly number[] {
  return Array.from({ length: count }, (_, index) => index + 1);
}

test.each<[string, number, (count: number) => object]>([
  ['source.ports', 50, (count) => ({ protocol: 'TCP', source: { ports: numbers(count) } })],
  ['destination.notPorts', 50, (count) => ({ protocol: 'UDP', destination: { notPorts: numbers(count) } })],
  ['source.nets', 256, (count) => ({ source: { nets: ranges(count) } })],
  ['destination.notNets', 256, (count) => ({ destination: { notNets: ranges(count) } })],
  ['http.methods', 20, (count) => ({ http: { methods: numbers(count).map((one) => `M${one}`) } })],
  ['http.paths', 20, (count) => ({ http: { paths: numbers(count).map((one) => ({ exact: `/${one}` })) } })],
])('at most so many %s: %d', (path, most, rule) => {
  expect(ruleIssues({ action: 'Allow', ...rule(most) })).toEqual([]);
  expect(ruleIssues({ action: 'Allow', ...rule(most + 1) })).toEqual([
    `${at}.${path}: found ${most + 1} items, wanted at most ${most}`,
  ]);
});

test('an over-long list is told of with what is wrong in it', () => {
  const spec = { ingress: Array.from({ length: 1025 }, (_, index) => ({ action: index === 1024 ? 'x' : 'Allow' })) };
  expect(issuesOf(globalNetworkPolicy, documentOf(globalNetworkPolicy, spec))).toEqual([
    'spec.ingress: found 1025 items, wanted at most 1024',
    'spec.ingress[1024].action: found "x", wanted one of Allow, Deny, Log, Pass',
  ]);
});

test('a selector has at most 1024 characters', () => {
  const selector = (length: number) => `a == '${'x'.repeat(length - 7)}'`;
  expect(issuesOf(globalNetworkPolicy, documentOf(globalNetworkPolicy, { selector: selector(1024) }))).toEqual([]);
  expect(issuesOf(globalNetworkPolicy, documentOf(globalNetworkPolicy, { selector: selector(1025) }))).toEqual([
    expect.stringMatching(/^spec\.selector: found "a == 'x+\.\.\.", wanted a selector of at most 1024 characters$/),
  ]);
});
