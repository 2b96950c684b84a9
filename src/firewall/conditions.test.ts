// Each condition of a compiled rule, alone, shows in what the kernel is given: as text and as expressions, in both families.
import { expect, test } from 'bun:test';
import { allowing } from '../../test/support/firewall/firewall-cases.ts';
import { parseCidr } from '../net/cidr.ts';
import type { Family } from '../net/ip.ts';
import { lowerRule } from '../nftables/lower.ts';
import { printRule } from '../nftables/print.ts';
import { ANY_SIDE, type CompiledRule, type PacketMatch, type SideMatch } from '../policy/types/types.ts';
import { defaultFirewallConfig } from './config.ts';
import { ipSetSpec } from './ip-sets.ts';
import { renderRuleList } from './rules.ts';

/** Values of each condition; one that is new does not compile until it stands here. */
const packetValues: { readonly [K in keyof PacketMatch]: readonly NonNullable<PacketMatch[K]>[] } = {
  family: [4, 6],
  protocol: [6],
  notProtocol: [17],
  icmp: [
    { type: 8, code: undefined },
    { type: 3, code: 1 },
  ],
  notIcmp: [
    { type: 8, code: undefined },
    { type: 3, code: 1 },
  ],
};
const nets = ['10.0.0.0/8', 'fd00::/8'].map(parseCidr);
const sideValues: { readonly [K in keyof SideMatch]: SideMatch[K] } = {
  nets,
  notNets: nets,
  ipSets: ['s:web'],
  notIpSets: ['s:web'],
  ports: [{ min: 80, max: 80 }],
  portSets: ['n:web'],
  notPorts: [{ min: 80, max: 80 }],
  notPortSets: ['n:web'],
};

const FAMILIES: readonly Family[] = [4, 6];

function rendered(rule: CompiledRule) {
  const list = { id: 'NetworkPolicy/default/p', ingress: [rule], egress: [] };
  const { rules } = renderRuleList(defaultFirewallConfig, list, 'ingress', (id, family) => ({
    singles: ipSetSpec(id, 'address', family),
    ranges: undefined,
  }));
  return { text: rules.map(printRule), expressions: rules.map(lowerRule) };
}

function expectOther(rule: CompiledRule, other: CompiledRule): void {
  const [one, two] = [rendered(rule), rendered(other)];
  expect(one.text).not.toEqual(two.text);
  expect(one.expressions).not.toEqual(two.expressions);
}

for (const [key, values] of Object.entries(packetValues)) {
  for (const value of values) {
    for (const family of FAMILIES) {
      test(`${key} ${JSON.stringify(value)} shows in rules for IPv${family}`, () => {
        const base = allowing(key === 'family' ? {} : { family });
        expectOther({ ...base, [key]: value }, base);
      });
    }
  }
}

test('the code shows beside the type of an ICMP match', () => {
  const [any, one] = [
    { type: 3, code: undefined },
    { type: 3, code: 1 },
  ];
  for (const family of FAMILIES) {
    expectOther(allowing({ family, icmp: one }), allowing({ family, icmp: any }));
    expectOther(allowing({ family, notIcmp: one }), allowing({ family, notIcmp: any }));
  }
});

for (const [key, value] of Object.entries(sideValues)) {
  for (const end of ['source', 'destination'] as const) {
    for (const family of FAMILIES) {
      test(`${key} of the ${end} shows in rules for IPv${family}`, () => {
        const base = allowing({ family });
        expectOther({ ...base, [end]: { ...ANY_SIDE, [key]: value } }, base);
      });
    }
  }
}
