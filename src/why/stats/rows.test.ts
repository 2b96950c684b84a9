import { expect, test } from 'bun:test';
import { rulesChain } from '../../firewall/names.ts';
import { readCluster, type StoredDocument } from '../cluster.ts';
import { type CountedChain, computeStats, type StatsRow } from './rows.ts';
import { chooseStats } from './select.ts';

const document = (kind: string, name: string, spec: object, namespace?: string): StoredDocument => ({
  ...{ kind, namespace, name },
  text: JSON.stringify({ kind, metadata: { name }, spec }),
});
const deny = (name?: string) => ({ action: 'Deny', ...(name && { metadata: { annotations: { name } } }) });

const cluster = readCluster([
  document('Tier', 'default', { order: 100, defaultAction: 'Deny' }),
  document('Tier', 'first', { order: 1, defaultAction: 'Pass' }),
  document('GlobalNetworkPolicy', 'late', { order: 9, ingress: [deny('one'), deny('two')] }),
  document('NetworkPolicy', 'early', { order: 1, ingress: [deny()] }, 'shop'),
  document('GlobalNetworkPolicy', 'pre', { tier: 'first', ingress: [{ action: 'Pass' }] }),
  document('StagedGlobalNetworkPolicy', 'late', { order: 9, ingress: [{ action: 'Allow' }] }),
  document('StagedNetworkPolicy', 'early', { stagedAction: 'Delete' }, 'shop'),
  document('Profile', 'net1', { ingress: [{ action: 'Allow' }] }),
]);

const rules = (...counted: readonly (readonly [comment: string, packets: number])[]): CountedChain['rules'] =>
  counted.map(([comment, packets]) => ({ comment, count: { packets, bytes: packets * 60 } }));
const chainOf = (id: string, ...counted: readonly (readonly [string, number])[]): [string, CountedChain] => [
  rulesChain('ingress', id),
  { comment: `ingress ${id}`, rules: rules(...counted) },
];

const chains = new Map<string, CountedChain>([
  ['group-ingress-a', { comment: undefined, rules: rules(['end of tier first', 3], ['end of tier default', 4]) }],
  ['group-ingress-b', { comment: undefined, rules: rules(['end of tier default', 1]) }],
  ['group-egress-a', { comment: undefined, rules: rules(['no policy or profile decided', 8]) }],
  chainOf('GlobalNetworkPolicy//late', ['rule 1: name=two', 5], ['rule 1: name=two', 6], ['rule 0: name=was', 2]),
  chainOf('GlobalNetworkPolicy//pre', ['rule 0', 1]),
  chainOf('NetworkPolicy/shop/early', ['rule 0', 7]),
  chainOf('StagedGlobalNetworkPolicy//late', ['rule 0', 2], ['no rule of the staged policy', 11]),
  chainOf('GlobalNetworkPolicy//gone', ['rule 4', 9]),
  chainOf('Profile//net1', ['rule 0', 0]),
]);

const show = ({ direction, tier, id, rule, note, action, staged, packets }: StatsRow) =>
  [direction, tier ?? '-', id ?? '-', rule ?? 'end', note ?? '-', action ?? '?', staged ?? '-', packets].join(' ');

test('what rules have counted, as a packet meets them: tiers, policies on trial among them, ends, profiles', () => {
  expect(computeStats(cluster, chains).map(show)).toEqual([
    'ingress first GlobalNetworkPolicy//pre 0 - pass - 1',
    'ingress first - end - next - 3',
    'ingress default NetworkPolicy/shop/early 0 - deny delete 7',
    'ingress default StagedGlobalNetworkPolicy//late 0 - allow set 2',
    'ingress default StagedGlobalNetworkPolicy//late end - next set 11',
    'ingress default GlobalNetworkPolicy//late 0 name=one deny - 2',
    'ingress default GlobalNetworkPolicy//late 1 name=two deny - 11',
    'ingress default - end - deny - 5',
    'ingress - Profile//net1 0 - allow - 0',
    'egress - - end - deny - 8',
    'ingress - GlobalNetworkPolicy//gone 4 - ? - 9',
  ]);
});

test('rows are chosen by name, by namespace and name, and by namespace', () => {
  const all = computeStats(cluster, chains);
  const choose = (names: readonly string[], namespace?: string) =>
    chooseStats(all, { names, namespace }, cluster).rows.map(({ packets }) => packets);
  expect(choose(['late'])).toEqual([2, 11, 2, 11]);
  expect(choose(['shop/early', 'gone'])).toEqual([7, 9]);
  expect(choose([], 'shop')).toEqual([7]);
  expect(() => choose(['late'], 'shop')).toThrow('find policy "late": no policy and no profile is called that');
});

test('a policy without a rule of its own in the kernel may be merged with others, and that is said', () => {
  const merged = readCluster([document('GlobalNetworkPolicy', 'merged', { ingress: [deny()] })]);
  const { rows, missing } = chooseStats([], { names: ['merged'], namespace: undefined }, merged);
  expect(rows).toEqual([]);
  expect(missing[0]).toEndWith('no endpoint of this host is under it, or others match all that its rules do');
});
