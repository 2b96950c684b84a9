// The firewall against the real kernel: batches, their text, reading back and repairing.
import { afterAll, expect, test } from 'bun:test';
import fc from 'fast-check';
import { defaultFirewallConfig, type FirewallConfig } from '../../src/firewall/config.ts';
import { createFirewall } from '../../src/firewall/firewall.ts';
import { computeBase } from '../../src/firewall/static.ts';
import { parseCidr } from '../../src/net/cidr.ts';
import { computeContent } from '../../src/nftables/changes.ts';
import { printBatch } from '../../src/nftables/print.ts';
import { formatFinding } from '../../src/nftables/repair.ts';
import { computeBaseBatch, printBase } from '../support/firewall/base-text.ts';
import { computeChanges, emptyState, type PolicyState, policyState } from '../support/firewall/firewall-cases.ts';
import { addNetns, listRuleset, nft, openFirewallIn, removeAllNetns } from '../support/firewall/firewall-net.ts';

afterAll(removeAllNetns);

const configs: readonly FirewallConfig[] = [
  defaultFirewallConfig,
  {
    ...defaultFirewallConfig,
    denyAction: 'reject',
    endpointToHostAction: 'accept',
    allowVxlanFromWorkloads: true,
    mergeFrom: 1,
  },
];

test('the static part as text and as batch is the same ruleset, however often it is loaded', () => {
  for (const config of configs) {
    const [text, batch] = [addNetns(), addNetns()];
    const firewall = openFirewallIn(batch);
    firewall.loadBase(config);
    nft(text, printBase(config));
    nft(text, printBase(config));
    expect(listRuleset(text)).toEqual(listRuleset(batch));
    const other = openFirewallIn(text);
    expect(other.loadBase(config)).toEqual({ kind: 'loaded', findings: [] });
    expect(other.resync(computeBase(config))).toEqual([]);
    other.close();
    firewall.close();
  }
});

test('random policies as text and as batch are the same ruleset, and read back as wanted', () => {
  const [text, batch] = [addNetns(), addNetns()];
  const kernel = openFirewallIn(batch);
  const states = fc.sample(policyState, { seed: 11, numRuns: 40 });
  for (const [index, state] of states.entries()) {
    const firewall = createFirewall(configs[index % 2] ?? defaultFirewallConfig);
    firewall.setPools([{ cidr: parseCidr('10.0.0.0/8'), natOutgoing: index % 3 === 0 }]);
    firewall.apply(computeChanges(emptyState, state));
    nft(text, printBatch([{ kind: 'add-table' }, { kind: 'delete-table' }, { kind: 'add-table' }]));
    for (const step of computeContent(firewall.ruleset)) nft(text, printBatch(step));
    kernel.resync(firewall.ruleset);
    expect(listRuleset(text)).toEqual(listRuleset(batch));
    expect(kernel.resync(firewall.ruleset)).toEqual([]);
    expect(kernel.isUntouched()).toBe(true);
  }
  kernel.close();
});

test('the kernel takes every step of a random walk, as batch and as text', () => {
  const [text, batch] = [addNetns(), addNetns()];
  const kernel = openFirewallIn(batch);
  const firewall = createFirewall(defaultFirewallConfig);
  kernel.loadBase(defaultFirewallConfig);
  nft(text, printBatch(computeBaseBatch(defaultFirewallConfig)));
  let from: PolicyState = emptyState;
  for (const to of [...fc.sample(policyState, { seed: 12, numRuns: 40 }), emptyState]) {
    const steps = firewall.apply(computeChanges(from, to));
    expect(kernel.apply(steps, firewall.ruleset)).toEqual({ kind: 'applied' });
    for (const step of steps) nft(text, printBatch(step));
    expect(kernel.resync(firewall.ruleset).map(formatFinding)).toEqual([]);
    from = to;
  }
  expect(listRuleset(text)).toEqual(listRuleset(batch));
  expect(firewall.ruleset).toEqual(computeBase(defaultFirewallConfig));
  kernel.close();
});
