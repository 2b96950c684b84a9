// No condition of a stored rule is lost where it is read: a rule with one becomes another rule than without it, or none.
import { expect, test } from 'bun:test';
import type { EntityRule, Rule } from '../../model/policy/rule.ts';
import type { RuleInput } from '../types/input.ts';
import { parsePolicyUpdate } from './parse.ts';

type Beside = 'action' | 'metadata' | 'source' | 'destination';

/** Values of each condition, beside what it needs; one that is new does not compile until it stands here. */
const ruleValues: { readonly [K in Exclude<keyof Rule, Beside>]-?: readonly (readonly [object, object])[] } = {
  ipVersion: [[{}, { ipVersion: 6 }]],
  protocol: [[{}, { protocol: 'TCP' }]],
  notProtocol: [[{}, { notProtocol: 'TCP' }]],
  icmp: [
    [{ protocol: 'ICMP' }, { icmp: { type: 8 } }],
    [{ protocol: 'ICMP', icmp: { type: 3 } }, { icmp: { type: 3, code: 1 } }],
  ],
  notICMP: [
    [{}, { notICMP: { type: 8 } }],
    [{ notICMP: { type: 3 } }, { notICMP: { type: 3, code: 1 } }],
  ],
  http: [[{}, { http: { methods: ['GET'] } }]],
};

const entityValues: { readonly [K in keyof EntityRule]-?: readonly object[] } = {
  nets: [{ nets: ['10.0.0.0/8'] }],
  selector: [{ selector: 'has(a)' }],
  namespaceSelector: [{ namespaceSelector: 'has(a)' }],
  services: [{ services: { name: 's', namespace: 'n' } }],
  ports: [{ ports: [80] }, { ports: ['web'] }],
  notNets: [{ notNets: ['10.0.0.0/8'] }],
  notSelector: [{ notSelector: 'has(a)' }],
  notPorts: [{ notPorts: [80] }, { notPorts: ['web'] }],
  serviceAccounts: [{ serviceAccounts: { names: ['a'] } }, { serviceAccounts: { selector: 'has(a)' } }],
};

function rulesOf(rule: object): readonly RuleInput[] {
  const spec = { ingress: [{ action: 'Allow', ...rule }] };
  const parsed = parsePolicyUpdate({ kind: 'GlobalNetworkPolicy', name: 'p' }, { spec }, 'here');
  if (parsed?.update.kind !== 'policy') throw new Error('no policy');
  return parsed.update.value?.ingress ?? [];
}

for (const [key, values] of Object.entries(ruleValues)) {
  for (const [beside, value] of values) {
    test(`${key} of a stored rule is read: ${JSON.stringify(value)}`, () => {
      expect(rulesOf(beside)).toHaveLength(1);
      expect(rulesOf({ ...beside, ...value })).not.toEqual([...rulesOf(beside)]);
    });
  }
}

for (const end of ['source', 'destination'] as const) {
  for (const value of Object.values(entityValues).flat()) {
    test(`${JSON.stringify(value)} of the ${end} of a stored rule is read`, () => {
      const beside = { protocol: 'TCP' };
      expect(rulesOf(beside)).toHaveLength(1);
      expect(rulesOf({ ...beside, [end]: value })).not.toEqual([...rulesOf(beside)]);
    });
  }
}
