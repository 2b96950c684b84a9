// What staged policies become in the kernel: rules that count and go back, and nothing that a packet is decided by.
import { expect, test } from 'bun:test';
import { allowing } from '../../test/support/firewall/firewall-cases.ts';
import { printRule } from '../nftables/print.ts';
import type { RuleList, TierPolicies } from '../policy/types/types.ts';
import { defaultFirewallConfig } from './config.ts';
import { computeGroup, renderGroup } from './group.ts';
import { mayPass, renderRuleList } from './rules.ts';

const STAGED = 'StagedGlobalNetworkPolicy//a';
const list: RuleList = {
  id: STAGED,
  ingress: (['log', 'allow', 'pass', 'deny'] as const).map((action, index) =>
    allowing({ action, index, protocol: 6 + index, comment: action === 'deny' ? 'name=last' : undefined }),
  ),
  egress: [],
};
const viewOf = () => {
  throw new Error('no set is named');
};
const tier = (defaultAction: 'deny' | 'pass', ...ingress: string[]): TierPolicies => ({
  tier: 'net',
  defaultAction,
  ingress,
  egress: [],
});
const groupOf = (...tiers: readonly TierPolicies[]) =>
  renderGroup(defaultFirewallConfig, computeGroup('ingress', tiers, ['Profile//p']), () => false).rules.map(printRule);

test('each rule of a staged policy counts and goes back, a Log goes on without a line, and the end is counted too', () => {
  expect(renderRuleList(defaultFirewallConfig, list, 'ingress', viewOf).rules.map(printRule)).toEqual([
    'meta l4proto 6 counter comment "rule 0"',
    'meta l4proto 7 counter return comment "rule 1"',
    'meta l4proto 8 counter return comment "rule 2"',
    'meta l4proto 9 counter return comment "rule 3: name=last"',
    'counter comment "no rule of the staged policy"',
  ]);
});

test('a staged Pass skips nothing', () => {
  expect(mayPass(list, 'ingress')).toBe(false);
});

test('a tier of staged policies alone passes everything on, whatever its default action', () => {
  expect(groupOf(tier('deny', STAGED))).toEqual([
    expect.stringMatching(/^jump rules-ingress-/),
    expect.stringMatching(/^jump rules-ingress-/),
    'counter drop comment "no policy or profile decided"',
  ]);
});

test('a tier with another policy ends as it does without the staged one', () => {
  expect(groupOf(tier('deny', STAGED, 'GlobalNetworkPolicy//a'))).toEqual([
    expect.stringMatching(/^jump rules-ingress-/),
    expect.stringMatching(/^jump rules-ingress-/),
    'counter drop comment "end of tier net"',
  ]);
});
