// Each condition of a rule narrows what the rule lets through, from the policy's input to the kernel's rules: a packet that
// it refuses is let through without it. The verdict that is computed from the resources says the same.
import { expect, test } from 'bun:test';
import { type ModelPacket, runPacket } from '../../test/support/nftables/packet-model.ts';
import {
  farAddresses,
  farPorts,
  packetSamples,
  type Sample,
  type Sent,
  sideSamples,
} from '../../test/support/policy/conditions.ts';
import { parseIp } from '../net/ip.ts';
import { createPolicyCalculation } from '../policy/calculation/calculation.ts';
import { createSnapshot } from '../policy/oracle/snapshot.ts';
import { computeVerdict } from '../policy/oracle/verdict.ts';
import type { EndpointInput, PolicyUpdate, RuleInput } from '../policy/types/input.ts';
import type { Direction } from '../policy/types/types.ts';
import { SELECT_ALL } from '../selector/selector.ts';
import { defaultFirewallConfig } from './config.ts';
import { createFirewall } from './firewall.ts';

const own = { 4: parseIp('10.65.0.9'), 6: parseIp('fd00:65::9') } as const;
const OWN_PORT = 4000;
const interfaceName = 'cali9';

const others: Omit<EndpointInput, 'addresses' | 'labels'> = {
  profiles: [],
  ports: farPorts,
  partial: false,
  local: undefined,
};

function updatesWith(rule: RuleInput, direction: Direction): readonly PolicyUpdate[] {
  const none = { ingress: undefined, egress: undefined };
  const policy = { tier: 'default', order: 1, selector: SELECT_ALL, phase: 'normal' as const, neededEverywhere: false };
  const local = { interfaceName, mac: undefined, allowedSources: [] };
  return [
    ...(['a', 'b'] as const).map((app): PolicyUpdate => {
      const value = { ...others, labels: { app }, addresses: Object.values(farAddresses[app]) };
      return { kind: 'endpoint', id: `default/${app}`, value };
    }),
    {
      kind: 'endpoint',
      id: 'default/own',
      value: { ...others, ports: [], labels: {}, addresses: Object.values(own), local },
    },
    { kind: 'policy', id: 'GlobalNetworkPolicy//p', value: { ...policy, ...none, [direction]: [rule] } },
    { kind: 'in-sync' },
  ];
}

function packetOf({ family, far, farPort, protocol, type, code }: Sent, direction: Direction): ModelPacket {
  const [mine, theirs] = [own[family], farAddresses[far][family]];
  const icmp = { protocol, type, code };
  return direction === 'ingress'
    ? {
        iifname: 'eth0',
        oifname: interfaceName,
        source: theirs,
        destination: mine,
        sport: farPort,
        dport: OWN_PORT,
        ...icmp,
      }
    : {
        iifname: interfaceName,
        oifname: 'eth0',
        source: mine,
        destination: theirs,
        sport: OWN_PORT,
        dport: farPort,
        ...icmp,
      };
}

/** By the kernel's rules. */
function isLetThrough(rule: RuleInput, sent: Sent, direction: Direction): boolean {
  const calculation = createPolicyCalculation();
  for (const update of updatesWith(rule, direction)) calculation.update(update);
  const firewall = createFirewall(defaultFirewallConfig);
  firewall.apply(calculation.flush());
  return runPacket(firewall.ruleset, `base-forward-${direction}`, packetOf(sent, direction)).verdict === 'accept';
}

function isAllowed(rule: RuleInput, sent: Sent, direction: Direction): boolean {
  const { sport, dport, type, code, ...packet } = packetOf(sent, direction);
  const ports = sent.protocol === 6 || sent.protocol === 17 ? { sourcePort: sport, destinationPort: dport } : {};
  const icmp = sent.protocol === 1 || sent.protocol === 58 ? { icmpType: type, icmpCode: code } : {};
  const snapshot = createSnapshot(updatesWith(rule, direction));
  return computeVerdict({ ...packet, ...ports, ...icmp }, snapshot)[direction].action === 'allow';
}

function expectNarrower({ rule, without, accepted, refused }: Sample, direction: Direction): void {
  for (const ask of [isLetThrough, isAllowed]) {
    expect(ask(rule, accepted, direction)).toBe(true);
    expect(ask(rule, refused, direction)).toBe(false);
    expect(ask(without, refused, direction)).toBe(true);
  }
}

for (const sample of packetSamples) {
  test(`a packet that ${sample.name} refuses`, () => {
    expectNarrower(sample, 'ingress');
    expectNarrower(sample, 'egress');
  });
}

for (const sample of sideSamples('source')) {
  test(`a packet that ${sample.name} refuses`, () => expectNarrower(sample, 'ingress'));
}
for (const sample of sideSamples('destination')) {
  test(`a packet that ${sample.name} refuses`, () => expectNarrower(sample, 'egress'));
}
