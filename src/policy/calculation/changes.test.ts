// What single updates hand out, word for word: nothing more than what changed, in an order that can be applied.
import { expect, test } from 'bun:test';
import { formatCidr, parseCidr } from '../../net/cidr.ts';
import { formatIp, parseIp } from '../../net/ip.ts';
import { parseSelector } from '../../selector/parse.ts';
import {
  ANY_ENTITY,
  blanketRule,
  type EndpointInput,
  type EntityMatch,
  type PolicyInput,
  type PolicyUpdate,
} from '../types/input.ts';
import type { CompiledRule, PolicyChange, SideMatch } from '../types/types.ts';
import { createPolicyCalculation, type PolicyCalculation } from './calculation.ts';

function endpoint(id: string, address: string, more: Partial<EndpointInput> = {}): PolicyUpdate {
  const value = {
    labels: {},
    profiles: [],
    addresses: [parseIp(address)],
    ports: [],
    partial: false,
    local: undefined,
    ...more,
  };
  return { kind: 'endpoint', id, value };
}

const local = (interfaceName: string) => ({ interfaceName, mac: undefined, allowedSources: [] });

function networkSet(id: string, nets: readonly string[], labels: Readonly<Record<string, string>>): PolicyUpdate {
  return { kind: 'network-set', id, value: { labels, profiles: [], nets: nets.map(parseCidr), partial: false } };
}

function policy(id: string, source: Partial<EntityMatch>, more: Partial<PolicyInput> = {}): PolicyUpdate {
  const value: PolicyInput = {
    tier: 'default',
    order: 1,
    selector: parseSelector('all()'),
    ingress: [{ ...blanketRule('allow'), source: { ...ANY_ENTITY, ...source } }],
    egress: undefined,
    phase: 'normal',
    neededEverywhere: false,
    ...more,
  };
  return { kind: 'policy', id, value };
}

function sideText(name: string, side: SideMatch): string {
  const lists = Object.entries(side).filter(([, list]) => list.length > 0);
  return lists
    .map(
      ([key, list]) =>
        ` ${name} ${key} ${list.map((item: unknown) => (typeof item === 'string' ? shortId(item) : JSON.stringify(item)))}`,
    )
    .join('');
}

const ruleText = (rule: CompiledRule) =>
  `${rule.action}${sideText('from', rule.source)}${sideText('to', rule.destination)}`;

/** Ids by kind and first letters, as hashes say nothing to a reader. */
const shortId = (id: string) => id.slice(0, 6);

function members(change: Extract<PolicyChange, { kind: 'set-added' }>): readonly string[] {
  if (change.type === 'address') return change.members.map(formatIp);
  if (change.type === 'cidr') return change.members.map(formatCidr);
  return change.members.map((member) => `${formatIp(member.address)}:${member.protocol}:${member.port}`);
}

function texts(change: Extract<PolicyChange, { kind: 'set-changed' }>, side: 'added' | 'removed'): readonly string[] {
  if (change.type === 'address') return change[side].map(formatIp);
  if (change.type === 'cidr') return change[side].map(formatCidr);
  return change[side].map((member) => `${formatIp(member.address)}:${member.protocol}:${member.port}`);
}

function changeText(change: PolicyChange): string {
  switch (change.kind) {
    case 'set-added':
      return `+set ${shortId(change.id)} ${change.type}: ${members(change).toSorted().join(' ')}`;
    case 'set-changed':
      return `~set ${shortId(change.id)}: +[${texts(change, 'added').join(' ')}] -[${texts(change, 'removed').join(' ')}]`;
    case 'set-removed':
      return `-set ${shortId(change.id)}`;
    case 'rules-set':
      return `+rules ${change.list.id}: in [${change.list.ingress.map(ruleText).join(', ')}] out [${change.list.egress.map(ruleText).join(', ')}]`;
    case 'rules-removed':
      return `-rules ${change.id}`;
    case 'endpoint-set': {
      const { id, interfaceName, tiers, profiles } = change.endpoint;
      const lists = tiers.map(
        (tier) => `${tier.tier} in [${tier.ingress}] out [${tier.egress}] then ${tier.defaultAction}`,
      );
      return `+endpoint ${id} ${interfaceName}: ${[...lists, `profiles [${profiles}]`].join(', ')}`;
    }
    case 'endpoint-removed':
      return `-endpoint ${change.id}`;
    case 'host-endpoint-set': {
      const { id, interfaceName, closed, profiles } = change.endpoint;
      const phases = (['untracked', 'preDnat', 'forward', 'normal'] as const).map((phase) => {
        const tiers = change.endpoint[phase].map(
          (tier) => `${tier.tier} in [${tier.ingress}] out [${tier.egress}] then ${tier.defaultAction}`,
        );
        return `${phase} [${tiers}]`;
      });
      return `+host ${id} ${interfaceName}${closed ? ' closed' : ''}: ${phases.join(', ')}, profiles [${profiles}]`;
    }
    case 'host-endpoint-removed':
      return `-host ${change.id}`;
  }
}

function inSync(...updates: readonly PolicyUpdate[]): PolicyCalculation {
  const calculation = createPolicyCalculation();
  for (const update of [...updates, { kind: 'in-sync' } as const]) calculation.update(update);
  return calculation;
}

function step(calculation: PolicyCalculation, ...updates: readonly PolicyUpdate[]): readonly string[] {
  for (const update of updates) calculation.update(update);
  return calculation.flush().map(changeText);
}

const G = 'GlobalNetworkPolicy//g';
const source = { selector: parseSelector("net == 'x'") };
const x = { labels: { net: 'x' } };

test('one policy, from its first endpoint to its last', () => {
  const calculation = inSync(policy(G, source), endpoint('default/r1', '10.0.0.1', x));
  expect(step(calculation)).toEqual([]);
  expect(step(calculation, endpoint('default/w', '10.0.0.9', { local: local('cali1') }))).toEqual([
    '+set s:r9h_ address: 10.0.0.1',
    '+rules GlobalNetworkPolicy//g: in [allow from ipSets s:r9h_] out []',
    '+endpoint default/w cali1: default in [GlobalNetworkPolicy//g] out [] then deny, profiles []',
  ]);
  expect(step(calculation, endpoint('default/r2', '10.0.0.2', x))).toEqual(['~set s:r9h_: +[10.0.0.2] -[]']);
  expect(step(calculation, endpoint('default/r3', '10.0.0.2', x))).toEqual([]);
  expect(step(calculation, { kind: 'endpoint', id: 'default/r2', value: undefined })).toEqual([]);
  expect(step(calculation, endpoint('default/r3', '10.0.0.3', x))).toEqual(['~set s:r9h_: +[10.0.0.3] -[10.0.0.2]']);
  expect(step(calculation, endpoint('default/r4', '10.0.0.4', { labels: { net: 'y' } }))).toEqual([]);
  expect(step(calculation, { kind: 'endpoint', id: 'default/w', value: undefined })).toEqual([
    '-endpoint default/w',
    '-rules GlobalNetworkPolicy//g',
    '-set s:r9h_',
  ]);
});

test('a range turns a set into one of ranges and back, with the rules that name it', () => {
  const calculation = inSync(
    policy(G, source),
    endpoint('default/w', '10.0.0.9', { local: local('cali1'), ...x }),
    endpoint('default/r', '10.0.1.1', x),
  );
  step(calculation);
  expect(step(calculation, networkSet('s', ['192.0.2.1/32'], { net: 'x' }))).toEqual(['~set s:r9h_: +[192.0.2.1] -[]']);
  expect(step(calculation, networkSet('s', ['10.0.0.0/24', '10.0.0.128/25'], { net: 'x' }))).toEqual([
    '+set r:r9h_ cidr: 10.0.0.0/24 10.0.1.1/32',
    '+rules GlobalNetworkPolicy//g: in [allow from ipSets r:r9h_] out []',
    '-set s:r9h_',
  ]);
  expect(step(calculation, endpoint('default/r', '10.0.0.1', x))).toEqual(['~set r:r9h_: +[] -[10.0.1.1/32]']);
  expect(step(calculation, networkSet('s', ['10.0.0.128/25'], { net: 'x' }))).toEqual([
    '~set r:r9h_: +[10.0.0.128/25 10.0.0.9/32 10.0.0.1/32] -[10.0.0.0/24]',
  ]);
  expect(step(calculation, networkSet('s', ['10.0.0.128/25'], { net: 'y' }))).toEqual([
    '+set s:r9h_ address: 10.0.0.1 10.0.0.9',
    '+rules GlobalNetworkPolicy//g: in [allow from ipSets s:r9h_] out []',
    '-set r:r9h_',
  ]);
});

test('named ports are sets of their own; alone they stand for the selector too', () => {
  const web = {
    ports: [
      { name: 'web', protocol: 6, port: 80 },
      { name: 'dns', protocol: 17, port: 53 },
    ],
    ...x,
  };
  const destination = { ...ANY_ENTITY, ...source, namedPorts: ['web'] };
  const numbered = { ...destination, ports: [{ min: 443, max: 443 }] };
  const rules = [
    { ...blanketRule('allow'), destination },
    { ...blanketRule('allow', 1), protocol: 6, destination: numbered },
  ];
  const calculation = inSync(
    policy(G, {}, { ingress: rules }),
    endpoint('default/w', '10.0.0.9', { local: local('cali1'), ...web }),
  );
  expect(step(calculation)).toEqual([
    '+set n:zurA port: 10.0.0.9:6:80',
    '+set s:r9h_ address: 10.0.0.9',
    '+set n:49Hu port: 10.0.0.9:6:80',
    '+rules GlobalNetworkPolicy//g: in [allow to portSets n:zurA, allow to ipSets s:r9h_ to ports {"min":443,"max":443} to portSets n:49Hu] out []',
    '+endpoint default/w cali1: default in [GlobalNetworkPolicy//g] out [] then deny, profiles []',
  ]);
});

test('a policy moves: only the lists of endpoints change', () => {
  const a = (order: number, tier = 'default') => policy('GlobalNetworkPolicy//a', {}, { order, tier });
  const calculation = inSync(
    { kind: 'tier', id: 'default', value: { order: 100, defaultAction: 'deny', closed: false } },
    a(1),
    policy('GlobalNetworkPolicy//b', {}, { order: 2 }),
    endpoint('default/w', '10.0.0.9', { local: local('cali1') }),
  );
  step(calculation);
  const handedOut = (lists: string) => [`+endpoint default/w cali1: ${lists}, profiles []`];
  const [first, second] = ['GlobalNetworkPolicy//a', 'GlobalNetworkPolicy//b'];
  expect(step(calculation, a(3))).toEqual(handedOut(`default in [${second},${first}] out [] then deny`));
  expect(step(calculation, a(3))).toEqual([]);
  expect(step(calculation, a(3, 'other'))).toEqual(
    handedOut(`default in [${second}] out [] then deny, other in [${first}] out [] then deny`),
  );
  expect(
    step(calculation, { kind: 'tier', id: 'other', value: { order: 1, defaultAction: 'pass', closed: false } }),
  ).toEqual(handedOut(`other in [${first}] out [] then pass, default in [${second}] out [] then deny`));
  expect(
    step(calculation, { kind: 'tier', id: 'default', value: { order: 100, defaultAction: 'deny', closed: false } }),
  ).toEqual([]);
});

test('a rule changes: only its list is handed out', () => {
  const calculation = inSync(policy(G, source), endpoint('default/w', '10.0.0.9', { local: local('cali1'), ...x }));
  step(calculation);
  expect(step(calculation, policy(G, { ...source, ports: [{ min: 80, max: 80 }] }))).toEqual([
    '+rules GlobalNetworkPolicy//g: in [allow from ipSets s:r9h_ from ports {"min":80,"max":80}] out []',
  ]);
});

test('profiles come and go under an endpoint', () => {
  const calculation = inSync(
    endpoint('default/w', '10.0.0.9', { profiles: ['n1', 'projectcalico-default-allow'], local: local('cali1') }),
    policy('GlobalNetworkPolicy//g', {}, { selector: parseSelector('has(n1)') }),
  );
  expect(step(calculation)).toEqual([
    '+rules Profile//n1: in [deny] out [deny]',
    '+rules Profile//projectcalico-default-allow: in [allow] out [allow]',
    '+endpoint default/w cali1: profiles [Profile//n1,Profile//projectcalico-default-allow]',
  ]);
  const profile = { labelsToApply: { n1: '' }, ingress: [], egress: [blanketRule('allow')] };
  expect(step(calculation, { kind: 'profile', id: 'n1', value: profile })).toEqual([
    '+rules GlobalNetworkPolicy//g: in [allow] out []',
    '+rules Profile//n1: in [] out [allow]',
    '+endpoint default/w cali1: default in [GlobalNetworkPolicy//g] out [] then deny, profiles [Profile//n1,Profile//projectcalico-default-allow]',
  ]);
  expect(step(calculation, { kind: 'profile', id: 'n1', value: undefined })).toEqual([
    '+rules Profile//n1: in [deny] out [deny]',
    '+endpoint default/w cali1: profiles [Profile//n1,Profile//projectcalico-default-allow]',
    '-rules GlobalNetworkPolicy//g',
  ]);
});

test('two endpoints of one interface: the first by id owns it', () => {
  const calculation = inSync(endpoint('default/b', '10.0.0.2', { local: local('cali1') }));
  expect(step(calculation)).toEqual(['+endpoint default/b cali1: profiles []']);
  expect(step(calculation, endpoint('default/a', '10.0.0.1', { local: local('cali1') }))).toEqual([
    '-endpoint default/b',
    '+endpoint default/a cali1: profiles []',
  ]);
  expect(step(calculation, endpoint('default/c', '10.0.0.3', { local: local('cali1') }))).toEqual([]);
  expect(step(calculation, { kind: 'endpoint', id: 'default/a', value: undefined })).toEqual([
    '-endpoint default/a',
    '+endpoint default/b cali1: profiles []',
  ]);
  expect(step(calculation, endpoint('default/b', '10.0.0.2', { local: local('cali2') }))).toEqual([
    '+endpoint default/c cali1: profiles []',
    '+endpoint default/b cali2: profiles []',
  ]);
});

test('a policy that is needed everywhere needs no endpoint', () => {
  const calculation = inSync(policy(G, {}, { neededEverywhere: true, selector: parseSelector('has(nobody)') }));
  expect(step(calculation)).toEqual(['+rules GlobalNetworkPolicy//g: in [allow] out []']);
  expect(step(calculation, { kind: 'policy', id: G, value: undefined })).toEqual(['-rules GlobalNetworkPolicy//g']);
});

test('a set that may have unknown members: the rules that name it change, and change back', () => {
  const rules = (['allow', 'deny', 'pass'] as const).map((action) => ({
    ...blanketRule(action),
    source: { ...ANY_ENTITY, ...source },
  }));
  const notX = { ...blanketRule('allow'), source: { ...ANY_ENTITY, notSelector: source.selector } };
  const calculation = inSync(
    policy(G, {}, { ingress: [...rules, notX] }),
    endpoint('default/w', '10.0.0.9', { local: local('cali1') }),
    endpoint('default/r', '10.0.0.1', x),
  );
  step(calculation);
  const from = 'from ipSets s:r9h_';
  const certain = `allow ${from}, deny ${from}, pass ${from}, allow from notIpSets s:r9h_`;
  const closed = `allow ${from}, deny, pass ${from}, deny`;
  const set = (value: PolicyUpdate) => step(calculation, value);
  const partial = (id: string) => endpoint(id, '10.0.0.1', { ...x, partial: true });
  expect(set(partial('default/r'))).toEqual([`+rules ${G}: in [${closed}] out []`]);
  expect(set(partial('default/r2'))).toEqual([]);
  expect(set({ kind: 'endpoint', id: 'default/r', value: undefined })).toEqual([]);
  expect(set({ kind: 'endpoint', id: 'default/r2', value: undefined })).toEqual([
    '~set s:r9h_: +[] -[10.0.0.1]',
    `+rules ${G}: in [${certain}] out []`,
  ]);
  const unknown = endpoint('default/r3', '10.0.0.3', { profiles: ['p'] });
  expect(set(unknown)).toEqual([]);
  const labelsOf = (labelsToApply: Readonly<Record<string, string>> | undefined): PolicyUpdate => ({
    kind: 'profile',
    id: 'p',
    value: { labelsToApply, ingress: [], egress: [] },
  });
  expect(set(labelsOf(undefined))).toEqual([`+rules ${G}: in [${closed}] out []`]);
  expect(set(labelsOf({ net: 'x' }))).toEqual(['~set s:r9h_: +[10.0.0.3] -[]', `+rules ${G}: in [${certain}] out []`]);
});

test('an endpoint is closed while nobody knows which policies apply to it', () => {
  const profile = (labelsToApply: Readonly<Record<string, string>> | undefined): PolicyUpdate => ({
    kind: 'profile',
    id: 'p',
    value: { labelsToApply, ingress: [], egress: [] },
  });
  const calculation = inSync(
    policy(G, {}, { selector: parseSelector("net == 'x'") }),
    profile({}),
    endpoint('default/w', '10.0.0.9', { local: local('cali1'), profiles: ['p'] }),
  );
  expect(step(calculation)).toEqual([
    '+rules Profile//p: in [] out []',
    '+endpoint default/w cali1: profiles [Profile//p]',
  ]);
  expect(step(calculation, profile(undefined))).toEqual(['+endpoint default/w cali1: profiles []']);
  expect(step(calculation, { kind: 'policy', id: G, value: undefined })).toEqual([
    '+endpoint default/w cali1: profiles [Profile//p]',
  ]);
});
