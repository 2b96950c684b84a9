import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { computeChanges, emptyState, policyState } from '../../test/support/firewall/firewall-cases.ts';
import { applyToModel, plainRuleset } from '../../test/support/nftables/table-model.ts';
import { parseIp } from '../net/ip.ts';
import type { Ruleset, Steps } from '../nftables/nft.ts';
import { DEFAULT_FAILSAFES } from '../policy/types/failsafe.ts';
import { defaultFirewallConfig, type FirewallConfig } from './config.ts';
import { NO_ENCRYPTION } from './encryption/chains.ts';
import { createFirewall } from './firewall.ts';
import { computeBase } from './static.ts';

function follow(table: Ruleset, steps: Steps): Ruleset {
  return steps.reduce(applyToModel, table);
}

test('any way of changes ends in the ruleset of the last state, and each step is one the kernel takes', () => {
  fc.assert(
    fc.property(fc.array(policyState, { minLength: 1, maxLength: 4 }), (states) => {
      const firewall = createFirewall(defaultFirewallConfig);
      let table = computeBase(defaultFirewallConfig);
      let from = emptyState;
      for (const to of states) {
        table = follow(table, firewall.apply(computeChanges(from, to)));
        expect(plainRuleset(table)).toEqual(plainRuleset(firewall.ruleset));
        from = to;
      }
      const direct = createFirewall(defaultFirewallConfig);
      direct.apply(computeChanges(emptyState, from));
      expect(plainRuleset(firewall.ruleset)).toEqual(plainRuleset(direct.ruleset));
      table = follow(table, firewall.apply(computeChanges(from, emptyState)));
      expect(plainRuleset(table)).toEqual(plainRuleset(computeBase(defaultFirewallConfig)));
    }),
    { seed: 7, numRuns: 150 },
  );
});

test('changes that lead nowhere give no step', () => {
  fc.assert(
    fc.property(policyState, policyState, (a, b) => {
      const firewall = createFirewall(defaultFirewallConfig);
      firewall.apply(computeChanges(emptyState, a));
      expect(firewall.apply([...computeChanges(a, b), ...computeChanges(b, a)])).toEqual([]);
    }),
    { seed: 8, numRuns: 100 },
  );
});

const config: fc.Arbitrary<FirewallConfig> = fc.record({
  interfacePrefix: fc.constant('cali'),
  endpointToHostAction: fc.constantFrom('drop', 'accept', 'return'),
  denyAction: fc.constantFrom('drop', 'reject'),
  logPrefix: fc.constantFrom('calico-packet', 'x'),
  logLimit: fc.constantFrom({ rate: 10, unit: 'second', burst: 5 }, { rate: 7, unit: 'day', burst: 1 }),
  vxlanPort: fc.constantFrom(4789, 4790),
  allowVxlanFromWorkloads: fc.boolean(),
  allowIpipFromWorkloads: fc.boolean(),
  mergeFrom: fc.constantFrom(1, 8),
  dropInvalid: fc.boolean(),
  sourceSpoofing: fc.boolean(),
  nat: fc.constantFrom<FirewallConfig['nat']>(
    { floatingAddresses: false },
    { floatingAddresses: true, ports: { min: 1024, max: 2000 } },
    { floatingAddresses: true, address: parseIp('192.0.2.7'), ports: { min: 1, max: 1 }, interfaceFilter: 'eth+' },
    { floatingAddresses: false, address: parseIp('192.0.2.8'), interfaceFilter: 'eth0' },
  ),
  encryption: fc.constantFrom<FirewallConfig['encryption']>(
    NO_ENCRYPTION,
    { 4: { interfaceName: 'wireguard.cali', listenPort: 51820, incomingMark: undefined }, 6: undefined },
    { 4: undefined, 6: { interfaceName: 'wg-v6.cali', listenPort: 51821, incomingMark: 0x200000 } },
  ),
  failsafes: fc.constantFrom(DEFAULT_FAILSAFES, { ingress: [], egress: [] }),
  maxFlows: fc.constantFrom(0, 100, 20_000),
});

test('another configuration leads to the ruleset that it would have begun with', () => {
  fc.assert(
    fc.property(policyState, fc.array(config, { minLength: 1, maxLength: 3 }), policyState, (state, configs, later) => {
      const firewall = createFirewall(defaultFirewallConfig);
      let table = follow(computeBase(defaultFirewallConfig), firewall.apply(computeChanges(emptyState, state)));
      for (const next of configs) {
        table = follow(table, firewall.setConfig(next));
        expect(firewall.setConfig(next)).toEqual([]);
        const direct = createFirewall(next);
        direct.apply(computeChanges(emptyState, state));
        expect(plainRuleset(table)).toEqual(plainRuleset(direct.ruleset));
      }
      table = follow(table, firewall.apply(computeChanges(state, later)));
      expect(plainRuleset(table)).toEqual(plainRuleset(firewall.ruleset));
    }),
    { seed: 9, numRuns: 150 },
  );
});
