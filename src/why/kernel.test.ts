// What is reported of the kernel: that it agrees, that it does not, and why it was not asked.
import { expect, test } from 'bun:test';
import { clusterWith, document, POD_A, POD_B } from '../../test/support/policy/why-cluster.ts';
import { defaultFirewallConfig } from '../firewall/config.ts';
import { createFirewall } from '../firewall/firewall.ts';
import { printRuleKey } from '../nftables/expression.ts';
import { lowerRule } from '../nftables/lower.ts';
import type { ObservedChain, ObservedTable } from '../nftables/repair.ts';
import { keyTypeNumber, valueTypeNumber } from '../nftables/wire.ts';
import { createPolicyCalculation } from '../policy/calculation/calculation.ts';
import type { Cluster } from './cluster.ts';
import { explainFlow } from './explain.ts';
import { readFlows } from './flow.ts';
import { askKernel, type HostView } from './kernel.ts';
import { resolveEnd } from './resolve.ts';

/** The table of a node that follows the cluster, as it is read back. Every workload is taken as local: none is another's. */
function tableOf(cluster: Cluster): ObservedTable {
  const calculation = createPolicyCalculation();
  for (const update of [...cluster.updates, { kind: 'in-sync' } as const]) calculation.update(update);
  const firewall = createFirewall(defaultFirewallConfig);
  firewall.apply(calculation.flush());
  const { chains, sets } = firewall.ruleset;
  return {
    layout: undefined,
    chains: new Map(
      [...chains].map(([name, { base, rules }]) => [
        name,
        { base, holds: () => true, rules: rules.map((rule) => printRuleKey(lowerRule(rule), rule.comment)) },
      ]),
    ),
    sets: new Map(
      [...sets].map(([name, { spec, elements }]) => [
        name,
        { ...spec, keyType: keyTypeNumber(spec), valueType: valueTypeNumber(spec), holds: () => true, elements },
      ]),
    ),
  };
}

const deny = document('GlobalNetworkPolicy', 'closed', { selector: 'has(network1)', types: ['Ingress'] });

function ask(view: HostView) {
  const cluster = clusterWith();
  const options = {
    protocol: undefined,
    port: undefined,
    sourcePort: undefined,
    icmpType: undefined,
    family: 4,
  } as const;
  const [flow] = readFlows(options, resolveEnd(POD_A, cluster, []), resolveEnd(POD_B, cluster, []), cluster);
  if (flow === undefined) throw new Error('no flow');
  return askKernel({ ...explainFlow(flow, cluster), packet: flow.packet }, view, cluster.workloads);
}

test('the rules do what the policies say, at the end that is on this host', () => {
  expect(ask({ node: 'node2', table: tableOf(clusterWith()) })).toMatchObject({
    egress: { kind: 'unknown', why: 'the endpoint is on another host' },
    ingress: { kind: 'judged', agrees: true, judgement: { verdict: 'accept' } },
  });
  expect(ask({ node: 'node1', table: tableOf(clusterWith()) }).egress).toMatchObject({ kind: 'judged', agrees: true });
});

test('rules of another policy, or of none, are seen to disagree, and which rule it was', () => {
  expect(ask({ node: 'node2', table: tableOf(clusterWith(deny)) }).ingress).toMatchObject({
    kind: 'judged',
    agrees: false,
    judgement: { verdict: 'drop', rule: { comment: 'end of tier default' } },
  });
});

test('what cannot be read, and rules that somebody else has made, are no agreement', () => {
  expect(ask({ node: 'node2', table: 'only root can read its rules' }).ingress).toEqual({
    kind: 'unknown',
    why: 'only root can read its rules',
  });
  const table = tableOf(clusterWith());
  const foreign = printRuleKey([{ name: 'numgen', values: {} }], undefined);
  const chains = new Map<string, ObservedChain>([
    ...table.chains,
    ['to-workload', { base: undefined, holds: () => false, rules: [foreign] }],
  ]);
  expect(ask({ node: 'node2', table: { ...table, chains } }).ingress).toEqual({
    kind: 'unknown',
    why: 'judge a packet: a rule has "numgen", which is not of this agent',
  });
});
