import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { cidrContains, parseCidr } from '../net/cidr.ts';
import { formatIp, type Ip, parseIp } from '../net/ip.ts';
import { assignExact, assignNext } from './assign.ts';
import { type Block, computeUsage, createBlock, heldOrdinals, isEmpty } from './block.ts';
import { parseBlock, printBlock } from './block-json.ts';
import { addressesOfHandle, collectCooled, type ReleaseOutcome, releaseAddresses } from './release.ts';

const NOW_MS = Date.UTC(2026, 10, 23, 12, 0, 0);
const nothing = () => false;
const clock = (seconds: number, cooldownSeconds = 0) => ({ nowMs: NOW_MS + seconds * 1000, cooldownSeconds });
const fresh = (cidr = '10.0.0.0/30') => createBlock(parseCidr(cidr), 'host1', NOW_MS);

function take(block: Block, handleId: string): { readonly block: Block; readonly ip: Ip } {
  const outcome = assignNext(block, { handleId }, nothing);
  if (outcome === undefined) throw new Error('full');
  return outcome;
}

function released(outcome: ReleaseOutcome): Block {
  if (outcome.kind !== 'released') throw new Error(outcome.reason);
  return outcome.block;
}

test('a new block that gives out its first address is what Calico writes', () => {
  const { block, ip } = take(fresh(), 'net.c1');
  expect(formatIp(ip)).toBe('10.0.0.0');
  expect(printBlock(block)).toBe(
    '{"cidr":"10.0.0.0/30","affinity":"host:host1","affinity_claim_time":"2026-11-23T12:00:00Z","allocations":[0,null,null,null],"unallocated":[1,2,3],"attributes":[{"handle_id":"net.c1"}],"sequenceNumber":1795435200000000001,"sequenceNumberForAllocation":{"0":1795435200000000000},"deleted":false}',
  );
});

test('addresses go out in the order in which they became free, and the last freed goes last', () => {
  let block = fresh();
  for (const handle of ['a', 'b', 'c']) block = take(block, handle).block;
  block = released(releaseAddresses(block, [{ ip: parseIp('10.0.0.1') }], clock(1)));
  expect(block.unallocated).toEqual([3, 1]);
  expect(formatIp(take(block, 'd').ip)).toBe('10.0.0.3');
});

test('reserved addresses are passed over and keep their place', () => {
  const reserved = (ip: Ip) => cidrContains(parseCidr('10.0.0.0/31'), ip);
  const outcome = assignNext(fresh(), { handleId: 'a' }, reserved);
  expect(outcome?.block.unallocated).toEqual([0, 1, 3]);
  expect(computeUsage(outcome?.block ?? fresh(), reserved)).toEqual({
    capacity: 4,
    inUse: 1,
    reserved: 2,
    coolingDown: 0,
    available: 1,
  });
});

test('one certain address: assigned, taken, outside', () => {
  const first = assignExact(fresh(), parseIp('10.0.0.3'), { handleId: 'a' });
  if (first.kind !== 'assigned') throw new Error(first.kind);
  expect(first.block.unallocated).toEqual([0, 1, 2]);
  expect(assignExact(first.block, parseIp('10.0.0.3'), { handleId: 'b' })).toEqual({
    kind: 'taken',
    holder: { handleId: 'a' },
  });
  expect(assignExact(fresh(), parseIp('10.0.0.4'), { handleId: 'a' })).toEqual({ kind: 'outside' });
  expect(assignExact(fresh(), parseIp('::1'), { handleId: 'a' })).toEqual({ kind: 'outside' });
});

test('holders with the same attributes share one attribute, which goes with the last of them', () => {
  let block = take(take(take(fresh(), 'a').block, 'b').block, 'a').block;
  expect(block.attributes).toEqual([{ handleId: 'a' }, { handleId: 'b' }]);
  expect(block.allocations).toEqual([0, 1, 0, undefined]);
  block = released(releaseAddresses(block, [{ ip: parseIp('10.0.0.0') }], clock(1)));
  expect(block.allocations).toEqual([undefined, 1, 0, undefined]);
  block = released(releaseAddresses(block, [{ ip: parseIp('10.0.0.2') }], clock(1)));
  expect(block.attributes).toEqual([{ handleId: 'b' }]);
  expect(block.allocations).toEqual([undefined, 0, undefined, undefined]);
});

test('preconditions: another handle or another sequence number stops the whole request', () => {
  const { block, ip } = take(fresh(), 'a');
  const other = take(block, 'b');
  expect(releaseAddresses(other.block, [{ ip: other.ip }, { ip, handleId: 'b' }], clock(1))).toEqual({
    kind: 'conflict',
    ip,
    reason: 'bad handle',
  });
  expect(releaseAddresses(block, [{ ip, sequenceNumber: 1n }], clock(1))).toEqual({
    kind: 'conflict',
    ip,
    reason: 'bad sequence number',
  });
  const sequenceNumber = block.allocationSequence.get(0);
  expect(releaseAddresses(block, [{ ip, handleId: 'a', sequenceNumber }], clock(1)).kind).toBe('released');
});

test('what nobody holds is reported, and the block stays as it was', () => {
  const block = fresh();
  const ips = ['10.0.0.1', '10.0.9.9'].map(parseIp);
  const outcome = releaseAddresses(
    block,
    ips.map((ip) => ({ ip })),
    clock(1),
  );
  expect(outcome).toEqual({ kind: 'released', block, released: [], unallocated: ips });
});

test('an address rests for the cool-down, held by nobody and free for nobody', () => {
  const { block, ip } = take(fresh('10.0.0.0/31'), 'a');
  const resting = released(releaseAddresses(block, [{ ip }], clock(0, 60)));
  expect(heldOrdinals(resting)).toEqual([]);
  expect(isEmpty(resting)).toBe(false);
  expect(addressesOfHandle(resting, 'a')).toEqual([]);
  expect(assignExact(resting, ip, { handleId: 'b' })).toEqual({
    kind: 'taken',
    holder: { releasedAt: '2026-11-23T12:00:00Z' },
  });
  expect(isEmpty(collectCooled(resting, clock(59, 60)))).toBe(false);
  expect(isEmpty(collectCooled(resting, clock(60, 60)))).toBe(true);
  expect(collectCooled(resting, clock(60, 60)).allocationSequence.size).toBe(0);
});

/** One step of a random history of a block: a handle takes an address, or an address is released. */
const step = fc.oneof(
  fc.record({ kind: fc.constant('take' as const), handle: fc.constantFrom('a', 'b', 'c') }),
  fc.record({ kind: fc.constant('release' as const), ordinal: fc.nat(7) }),
  fc.record({ kind: fc.constant('wait' as const), seconds: fc.nat(20) }),
);

test('in any history of a block every ordinal is free or allocated, and its text says the same', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), fc.constantFrom(0, 10), (steps, cooldownSeconds) => {
      let block = fresh('10.0.0.0/29');
      let seconds = 0;
      const holders = new Map<string, string>();
      for (const one of steps) {
        if (one.kind === 'wait') seconds += one.seconds;
        else if (one.kind === 'take') {
          const outcome = assignNext(
            collectCooled(block, clock(seconds, cooldownSeconds)),
            { handleId: one.handle },
            nothing,
          );
          if (outcome === undefined) continue;
          expect(holders.has(formatIp(outcome.ip))).toBe(false);
          holders.set(formatIp(outcome.ip), one.handle);
          block = outcome.block;
        } else {
          const ip = parseIp(`10.0.0.${one.ordinal}`);
          block = released(releaseAddresses(block, [{ ip }], clock(seconds, cooldownSeconds)));
          holders.delete(formatIp(ip));
        }
        expect(printBlock(parseBlock(printBlock(block)))).toBe(printBlock(block));
        for (const handle of ['a', 'b', 'c']) {
          const mine = [...holders].filter(([, holder]) => holder === handle).map(([ip]) => ip);
          expect(addressesOfHandle(block, handle).map(({ ip }) => formatIp(ip))).toEqual(mine.sort());
        }
      }
    }),
    { seed: 1, numRuns: 200 },
  );
});
