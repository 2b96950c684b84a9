import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { computeChanges, emptyState, policyState } from '../../test/kernel/firewall-cases.ts';
import { defaultFirewallConfig } from './config.ts';
import { createFirewall } from './firewall.ts';
import { computeBase } from './static.ts';
import { applyToModel, plainRuleset } from './table-model.ts';

test('any way of changes ends in the ruleset of the last state, and each transaction is one the kernel takes', () => {
  fc.assert(
    fc.property(fc.array(policyState, { minLength: 1, maxLength: 4 }), (states) => {
      const firewall = createFirewall(defaultFirewallConfig);
      let table = computeBase(defaultFirewallConfig);
      let from = emptyState;
      for (const to of states) {
        table = applyToModel(table, firewall.apply(computeChanges(from, to)));
        expect(plainRuleset(table)).toEqual(plainRuleset(firewall.ruleset));
        from = to;
      }
      const direct = createFirewall(defaultFirewallConfig);
      direct.apply(computeChanges(emptyState, from));
      expect(plainRuleset(firewall.ruleset)).toEqual(plainRuleset(direct.ruleset));
      table = applyToModel(table, firewall.apply(computeChanges(from, emptyState)));
      expect(plainRuleset(table)).toEqual(plainRuleset(computeBase(defaultFirewallConfig)));
    }),
    { seed: 7, numRuns: 150 },
  );
});

test('changes that lead nowhere give an empty transaction', () => {
  fc.assert(
    fc.property(policyState, policyState, (a, b) => {
      const firewall = createFirewall(defaultFirewallConfig);
      firewall.apply(computeChanges(emptyState, a));
      expect(firewall.apply([...computeChanges(a, b), ...computeChanges(b, a)])).toEqual([]);
    }),
    { seed: 8, numRuns: 100 },
  );
});
