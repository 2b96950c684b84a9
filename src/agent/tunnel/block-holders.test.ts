import { expect, test } from 'bun:test';
import { assignExact, assignNext } from '../../blocks/assign.ts';
import { type Block, createBlock } from '../../blocks/block.ts';
import { printBlock } from '../../blocks/block-json.ts';
import { parseCidr } from '../../net/cidr.ts';
import { parseIp } from '../../net/ip.ts';
import { openLog } from '../../sys/log.ts';
import { tryReadBlockHolders } from './block-holders.ts';

const RANGE = '10.1.0.0/26';
const lines: string[] = [];
const log = openLog((line) => void lines.push(line));
const read = (text: string) => tryReadBlockHolders(RANGE, text, log);
const cidr = parseCidr(RANGE);

function take(block: Block, node: string | undefined, handleId = 'h'): Block {
  const secondary = node === undefined ? {} : { node };
  return assignNext(block, { handleId, secondary }, () => false)?.block ?? block;
}

const empty = createBlock(cidr, 'one', 0);

test('a block whose addresses are all its owner’s is on the owner’s node', () => {
  expect(read(printBlock(empty))).toEqual({ cidr, node: 'one', borrowed: [] });
  expect(read(printBlock(take(take(empty, 'one'), undefined)))).toEqual({ cidr, node: 'one', borrowed: [] });
});

test('addresses that other nodes have are theirs, but for those that cool down', () => {
  const lent = take(take(empty, 'one'), 'two');
  const borrowed = [{ ip: parseIp('10.1.0.1'), node: 'two' }];
  expect(read(printBlock(lent))).toEqual({ cidr, node: 'one', borrowed });
  expect(read(printBlock({ ...lent, affinity: undefined }))).toEqual({
    ...{ cidr, node: undefined },
    borrowed: [{ ip: parseIp('10.1.0.0'), node: 'one' }, ...borrowed],
  });
  const [first, last] = lent.attributes;
  const cooling = { ...lent, attributes: [first ?? {}, { ...last, releasedAt: '2026-01-01T00:00:00Z' }] };
  expect(read(printBlock(cooling))).toEqual({ cidr, node: 'one', borrowed: [] });
});

test('what stands in the text of a handle decides nothing', () => {
  const handle = '","node":"two","affinity":"host:three';
  const held = assignExact(empty, parseIp('10.1.0.9'), { handleId: handle, secondary: { node: 'one' } });
  if (held.kind !== 'assigned') throw new Error('not assigned');
  expect(read(printBlock(held.block))).toEqual({ cidr, node: 'one', borrowed: [] });
});

test('a block that cannot be read leads nowhere, and the log names it', () => {
  expect(read(printBlock(take(empty, 'two')).slice(0, -9))).toBeUndefined();
  expect(lines.join('')).toContain(`the block ${RANGE} cannot be used`);
});
