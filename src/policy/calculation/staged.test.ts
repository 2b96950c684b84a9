// Staged policies in the calculation: beside those that decide, at their place, and never in their way.
import { expect, test } from 'bun:test';
import { parseIp } from '../../net/ip.ts';
import { parseSelector } from '../../selector/parse.ts';
import { blanketRule, type PolicyInput, type PolicyUpdate, UNKNOWN_PROFILE } from '../types/input.ts';
import type { PolicyChange } from '../types/types.ts';
import { createPolicyCalculation } from './calculation.ts';

function endpoint(profiles: readonly string[]): PolicyUpdate {
  const local = { interfaceName: 'cali1', mac: undefined, allowedSources: [] };
  const value = { labels: {}, profiles, addresses: [parseIp('10.0.0.1')], ports: [], partial: false, local };
  return { kind: 'endpoint', id: 'default/a', value };
}

function policy(id: string, more: Partial<PolicyInput> = {}): PolicyUpdate {
  const value: PolicyInput = {
    tier: 'default',
    order: 1,
    selector: parseSelector('all()'),
    ingress: [blanketRule('deny')],
    egress: undefined,
    phase: 'normal',
    neededEverywhere: false,
    ...more,
  };
  return { kind: 'policy', id, value };
}

/** What the endpoint has after the updates. */
function endpointAfter(...updates: readonly PolicyUpdate[]) {
  const calculation = createPolicyCalculation();
  for (const update of [...updates, { kind: 'in-sync' } as const]) calculation.update(update);
  const set = (change: PolicyChange) => change.kind === 'endpoint-set';
  return calculation.flush().find(set)?.endpoint;
}

test('a staged policy stands at its place among those of its tier, before the one of its name', () => {
  const all = ['GlobalNetworkPolicy//b', 'StagedGlobalNetworkPolicy//b', 'GlobalNetworkPolicy//a'];
  expect(endpointAfter(endpoint([]), ...all.map((id) => policy(id)))?.tiers).toEqual([
    {
      tier: 'default',
      defaultAction: 'deny',
      ingress: ['GlobalNetworkPolicy//a', 'StagedGlobalNetworkPolicy//b', 'GlobalNetworkPolicy//b'],
      egress: [],
    },
  ]);
});

test('a staged policy of which nobody knows whether it applies closes no endpoint, as one that decides does', () => {
  const selector = parseSelector('has(unknown)');
  const unreadable = endpoint([UNKNOWN_PROFILE, 'net1']);
  const closed = endpointAfter(unreadable, policy('GlobalNetworkPolicy//a', { selector }));
  expect([closed?.tiers, closed?.profiles]).toEqual([[], []]);
  const open = endpointAfter(unreadable, policy('StagedGlobalNetworkPolicy//a', { selector }));
  expect([open?.tiers, open?.profiles]).toEqual([[], ['Profile//', 'Profile//net1']]);
});

test('a staged policy comes and goes as what it costs: its own list, and the endpoints that it selects', () => {
  const calculation = createPolicyCalculation();
  for (const update of [endpoint([]), policy('GlobalNetworkPolicy//a'), { kind: 'in-sync' } as const])
    calculation.update(update);
  calculation.flush();
  const kinds = () => calculation.flush().map(({ kind }) => kind);
  calculation.update(policy('StagedGlobalNetworkPolicy//a'));
  expect(kinds()).toEqual(['rules-set', 'endpoint-set']);
  calculation.update(policy('StagedGlobalNetworkPolicy//a', { ingress: [blanketRule('allow')] }));
  expect(kinds()).toEqual(['rules-set']);
  calculation.update({ kind: 'policy', id: 'StagedGlobalNetworkPolicy//a', value: undefined });
  expect(kinds()).toEqual(['endpoint-set', 'rules-removed']);
});
