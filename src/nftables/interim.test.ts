// On the way from one policy to another, what both say of a packet holds after every step, and for a packet that is under way
// during one, which meets the chains of before and the sets of after.
import { expect, test } from 'bun:test';
import fc from 'fast-check';
import {
  computeChanges,
  emptyState,
  type PolicyState,
  policyState,
} from '../../test/support/firewall/firewall-cases.ts';
import { type ModelPacket, runPacket } from '../../test/support/nftables/packet-model.ts';
import { applyToModel } from '../../test/support/nftables/table-model.ts';
import { defaultFirewallConfig } from '../firewall/config.ts';
import { createFirewall } from '../firewall/firewall.ts';
import { parseIp } from '../net/ip.ts';
import type { Ruleset } from './nft.ts';

const ends = [
  ['10.0.0.1', '10.0.1.255'],
  ['10.0.1.255', '192.168.0.0'],
  ['192.168.0.0', '10.0.0.1'],
  ['fd00::1', 'fd00:0:1::'],
  ['fd00:0:1::', 'fd00::1'],
].map((pair) => pair.map(parseIp));

const packets: readonly ModelPacket[] = ends.flatMap(([source = parseIp('::'), destination = parseIp('::')]) =>
  [6, 17].flatMap((protocol) =>
    [53, 80, 1500].map((dport) => ({
      source,
      destination,
      protocol,
      sport: 80,
      dport,
      type: 0,
      code: 0,
      iifname: '',
      oifname: '',
    })),
  ),
);

const INTERFACES = ['cali0', 'cali1', 'caliabcdefghijk'];

/** Whether policies are merged. */
const mergeFrom = fc.constantFrom(1, 8);

function verdictsOf(ruleset: Ruleset): readonly string[] {
  return INTERFACES.flatMap((name) =>
    packets.flatMap((packet) => [
      runPacket(ruleset, 'base-forward-egress', { ...packet, iifname: name }).verdict,
      runPacket(ruleset, 'base-forward-ingress', { ...packet, oifname: name }).verdict,
    ]),
  );
}

/** A set that has gone is still there for who asks it, and a chain that has come is empty. */
function underWay(before: Ruleset, after: Ruleset): Ruleset {
  const empty = [...after.chains].map(([name, chain]) => [name, { ...chain, rules: [] }] as const);
  return { chains: new Map([...empty, ...before.chains]), sets: new Map([...before.sets, ...after.sets]) };
}

/** The same endpoints under the same policies, whose rules and sets are others. */
function withEndpointsOf(from: PolicyState, to: PolicyState): PolicyState {
  const lists = new Map([...from.lists, ...[...to.lists].filter(([id]) => from.lists.has(id))]);
  return { sets: new Map([...from.sets, ...to.sets]), lists, endpoints: from.endpoints, hosts: from.hosts };
}

interface Way {
  /** The table after each step, that before the first one included. */
  readonly tables: readonly Ruleset[];
  /** The verdicts in which both ends of the way agree, of any table. */
  readonly agreed: (table: Ruleset) => readonly string[];
}

function computeWay(from: PolicyState, to: PolicyState, mergeFrom: number): Way {
  const firewall = createFirewall({ ...defaultFirewallConfig, mergeFrom });
  firewall.apply(computeChanges(emptyState, from));
  const tables = [applyToModel(firewall.ruleset, [])];
  for (const step of firewall.apply(computeChanges(from, to)))
    tables.push(applyToModel(tables.at(-1) ?? firewall.ruleset, step));
  const [before, after] = [tables[0] ?? firewall.ruleset, firewall.ruleset].map(verdictsOf);
  return { tables, agreed: (table) => verdictsOf(table).filter((_, index) => before?.[index] === after?.[index]) };
}

test('what two policies both allow or both deny is so after every step from one to the other', () => {
  let agreed = 0;
  fc.assert(
    fc.property(policyState, policyState, mergeFrom, (from, to, merge) => {
      const way = computeWay(from, to, merge);
      const [first = [], ...others] = way.tables.map(way.agreed);
      for (const verdicts of others) expect(verdicts).toEqual(first);
      agreed += first.length;
    }),
    { seed: 21, numRuns: 150 },
  );
  expect(agreed).toBeGreaterThan(1000);
});

test('endpoints that come with chains of their own are closed to packets under way, in one step where it is small', () => {
  let single = 0;
  fc.assert(
    fc.property(policyState, mergeFrom, (to, merge) => {
      const others = { ...to, endpoints: new Map([...to.endpoints].slice(1)) };
      const { tables, agreed } = computeWay(others, to, merge);
      const [first] = tables.slice(0, 1).map(agreed);
      for (const [index, table] of tables.slice(1).entries())
        expect(agreed(underWay(tables[index] ?? table, table))).toEqual([...(first ?? [])]);
      const [before, after, ...more] = tables;
      if (more.length === 0 && (after?.chains.size ?? 0) > (before?.chains.size ?? 0)) single++;
    }),
    { seed: 23, numRuns: 300 },
  );
  expect(single).toBeGreaterThan(10);
});

test('and it is so for a packet that is under way during a step, where rules and sets change', () => {
  let moves = 0;
  fc.assert(
    fc.property(policyState, policyState, mergeFrom, (from, to, merge) => {
      const { tables, agreed } = computeWay(from, withEndpointsOf(from, to), merge);
      const [first] = tables.slice(0, 1).map(agreed);
      for (const [index, table] of tables.slice(1).entries())
        expect(agreed(underWay(tables[index] ?? table, table))).toEqual([...(first ?? [])]);
      if (tables.length > 3) moves++;
    }),
    { seed: 22, numRuns: 150 },
  );
  expect(moves).toBeGreaterThan(10);
});
