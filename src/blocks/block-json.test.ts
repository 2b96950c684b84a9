import { expect, test } from 'bun:test';
import { formatIssue, isOcicatError } from '../base/errors.ts';
import { parseBlock, printBlock } from './block-json.ts';

const nulls = (count: number) => new Array(count).fill('null').join(',');
const ordinals = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i).join(',');

/** Written by Calico's own plugin. */
const CALICO = `{"cidr":"10.77.119.0/26","affinity":"host:host1","affinity_claim_time":"2026-11-23T11:18:07Z","allocations":[0,${nulls(63)}],"unallocated":[${ordinals(1, 64)}],"attributes":[{"handle_id":"network1.cont000001","secondary":{"node":"host1","timestamp":"2026-11-23 11:18:07.938124825 +0000 UTC"}}],"sequenceNumber":1795432687946214735,"sequenceNumberForAllocation":{"0":1795432687946214734},"deleted":false}`;

const SMALL = `{"cidr":"10.0.0.0/30","affinity":null,"allocations":[1,null,0,0],"unallocated":[1],"attributes":[{"releasedAt":"2026-11-23T11:18:07Z"},{"handle_id":"a.b","secondary":{"node":"h"},"alternateOwnerAttrs":{"x":"y"}}],"sequenceNumber":5,"sequenceNumberForAllocation":{"0":3,"2":4,"3":4},"deleted":false,"hostAffinity":"old"}`;

test.each([
  ["Calico's own", CALICO],
  ['every field', SMALL],
])('%s block comes out byte for byte as it went in', (_name, text) => {
  expect(printBlock(parseBlock(text))).toBe(text);
});

test('sequence numbers of ordinals are sorted as text, as Go sorts keys', () => {
  const text = CALICO.replace('{"0":1795432687946214734}', '{"0":1,"10":2,"2":3}');
  expect(printBlock(parseBlock(text))).toBe(text);
  const shuffled = CALICO.replace('{"0":1795432687946214734}', '{"2":3,"10":2,"0":1}');
  expect(printBlock(parseBlock(shuffled))).toBe(text);
});

test('null lists and maps, as Go prints nil ones, are empty', () => {
  const text =
    '{"cidr":"10.0.0.0/32","affinity":null,"allocations":[null],"unallocated":[0],"attributes":null,"sequenceNumber":1,"sequenceNumberForAllocation":null,"deleted":false}';
  expect(printBlock(parseBlock(text))).toBe(
    '{"cidr":"10.0.0.0/32","affinity":null,"allocations":[null],"unallocated":[0],"attributes":[],"sequenceNumber":1,"sequenceNumberForAllocation":{},"deleted":false}',
  );
});

function issuesOf(text: string): readonly string[] {
  try {
    parseBlock(text);
  } catch (error) {
    if (isOcicatError(error, 'corrupt')) return error.issues.map(formatIssue);
    throw error;
  }
  return ['none'];
}

test.each([
  ['{"cidr":"10.0.0.1/30"}', 'cidr: found "10.0.0.1/30", wanted a range without host bits of at most 65536 addresses'],
  ['{"cidr":"10.0.0.0/8"}', 'cidr: found "10.0.0.0/8", wanted a range without host bits of at most 65536 addresses'],
  [SMALL.replace('[1,null,0,0]', '[1,null,0]'), 'allocations: found "3 entries", wanted 4 entries'],
  [SMALL.replace('[1,null,0,0]', '[2,null,0,0]'), 'allocations[0]: found 2, wanted null or an index below 2'],
  [
    SMALL.replace('"unallocated":[1]', '"unallocated":[1,1]'),
    'unallocated[1]: found 1, wanted an ordinal that is free, once',
  ],
  [
    SMALL.replace('"unallocated":[1]', '"unallocated":[1,2]'),
    'unallocated[1]: found 2, wanted an ordinal that is free, once',
  ],
  [
    SMALL.replace('"unallocated":[1]', '"unallocated":[]'),
    'unallocated: found "without 1", wanted every ordinal that is not allocated',
  ],
  [SMALL.replace('"sequenceNumber":5', '"sequenceNumber":"5"'), 'sequenceNumber: found "5", wanted an integer'],
  [SMALL.replace('"node":"h"', '"node":7'), 'attributes[1].secondary.node: found 7, wanted a string'],
  ['[]', 'document: found a list, wanted an object'],
])('a block that is not whole is refused with its issues: %s', (text, issue) => {
  expect(issuesOf(text)).toContain(issue);
});

test('text that is not JSON is corrupt', () => {
  expect(() => parseBlock('{')).toThrow('parse block: not JSON');
});
