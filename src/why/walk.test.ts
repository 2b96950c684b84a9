// The walk says of every packet what the verdict says, and its conditions say why: for random policies, and where parts of
// the resources cannot be read.
import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { policyCase, WORKLOADS, workloadId } from '../../test/support/policy/policy-cases.ts';
import { spoiltCase } from '../../test/support/policy/spoilt-cases.ts';
import { allOf } from '../base/truth.ts';
import { parseIp } from '../net/ip.ts';
import type { Packet } from '../policy/oracle/packet.ts';
import { createSnapshot } from '../policy/oracle/snapshot.ts';
import { computeVerdict } from '../policy/oracle/verdict.ts';
import { walkEndpoint } from './walk.ts';

const KINDS = [
  { protocol: 6, sourcePort: 40000, destinationPort: 80 },
  { protocol: 6, sourcePort: 40000, destinationPort: 53 },
  { protocol: 17, sourcePort: 40000, destinationPort: 53 },
  { protocol: 1, icmpType: 8, icmpCode: 0 },
  { protocol: 58, icmpType: 128, icmpCode: 0 },
] as const;

const pairs = WORKLOADS.flatMap((from) => WORKLOADS.filter((to) => to !== from).map((to) => ({ from, to })));
const packets = pairs.flatMap(({ from, to }) =>
  (['10.65.0.', 'fd00:65::'] as const).flatMap((range) =>
    KINDS.filter(({ protocol }) => protocol !== (range === '10.65.0.' ? 58 : 1)).map((kind) => {
      const packet: Packet = { source: parseIp(`${range}${from}`), destination: parseIp(`${range}${to}`), ...kind };
      return { from, to, packet };
    }),
  ),
);

test('the walk of every packet ends in its verdict, and each rule matches by its conditions', () => {
  const reasons = new Set<string>();
  fc.assert(
    fc.property(fc.oneof(policyCase, spoiltCase), (updates) => {
      const snapshot = createSnapshot(updates);
      for (const { from, to, packet } of packets) {
        const ends = { source: workloadId(from), destination: workloadId(to) };
        const verdict = computeVerdict(packet, snapshot, ends);
        const egress = walkEndpoint('egress', ends.source, packet, snapshot);
        const ingress = walkEndpoint('ingress', ends.destination, packet, snapshot);
        expect([egress.verdict, ingress.verdict]).toEqual([verdict.egress, verdict.ingress]);
        for (const walk of [egress, ingress]) {
          reasons.add(walk.verdict.reason.kind);
          const policies = walk.tiers.flatMap((tier) => tier.policies);
          for (const { conditions, matched } of [...policies, ...walk.profiles].flatMap(({ rules }) => rules))
            expect(allOf(conditions.map(({ holds }) => holds))).toBe(matched);
        }
      }
    }),
    { seed: 13, numRuns: 150 },
  );
  const all = ['end-of-tier', 'missing-profile', 'no-profile-matched', 'profile-rule', 'rule'];
  expect([...reasons].sort()).toEqual([...all, 'unknown-endpoint', 'unknown-labels']);
}, 60_000);
