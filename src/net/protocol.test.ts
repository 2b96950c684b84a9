import { expect, test } from 'bun:test';
import { hasPorts, protocolName, tryParseProtocol } from './protocol.ts';

const table: readonly (readonly [string | number, number | undefined, string | undefined])[] = [
  ['TCP', 6, 'TCP'],
  ['tcp', 6, 'TCP'],
  ['udplite', 136, 'UDPLite'],
  ['ICMPV6', 58, 'ICMPv6'],
  ['SCTP', 132, 'SCTP'],
  [1, 1, 'ICMP'],
  [17, 17, 'UDP'],
  ['17', 17, undefined],
  [255, 255, undefined],
  ['047', 47, undefined],
  [0, undefined, undefined],
  ['0', undefined, undefined],
  [256, undefined, undefined],
  [6.5, undefined, undefined],
  [Number.NaN, undefined, undefined],
  ['', undefined, undefined],
  ['-6', undefined, undefined],
  ['GRE', undefined, undefined],
];

test.each(table)('protocol %p', (value, number, name) => {
  expect(tryParseProtocol(value)).toBe(number as number);
  expect(protocolName(value)).toBe(name as string);
});

test('TCP, UDP and SCTP have ports', () => {
  const numbers = Array.from({ length: 256 }, (_, number) => number);
  expect(numbers.filter(hasPorts)).toEqual([6, 17, 132]);
});
