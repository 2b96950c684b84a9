import { expect, test } from 'bun:test';
import { formatPacketLine } from './packet-line.ts';

const bytesOf = (hex: string) =>
  Uint8Array.from(hex.replaceAll(' ', '').match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));
const IPV4 = '45000054 2a9f 4000 3f01 0000 c0a80001 0a620002';
const IPV6 = '60000000 0014 06 40 fd00000000000000 0000000000000001 fd00000000000000 0000000000000002';

const table: readonly (readonly [what: string, bytes: string, line: string])[] = [
  ['ICMP', `${IPV4} 0800f7ff`, 'SRC=192.168.0.1 DST=10.98.0.2 LEN=84 TTL=63 ID=10911 DF PROTO=ICMP TYPE=8 CODE=0'],
  [
    'options before TCP',
    '46000040 0001 0000 4006 0000 c0a80001 0a620002 01010101 1f90 0050 00000000 00000000 5012',
    'SRC=192.168.0.1 DST=10.98.0.2 LEN=64 TTL=64 ID=1 PROTO=TCP SPT=8080 DPT=80 SYN ACK',
  ],
  [
    'a later fragment',
    '45000054 2a9f 00b9 3f11 0000 c0a80001 0a620002 08000000',
    'SRC=192.168.0.1 DST=10.98.0.2 LEN=84 TTL=63 ID=10911 PROTO=UDP',
  ],
  [
    'another protocol',
    '45000054 0001 0000 3f2f 0000 c0a80001 0a620002 08000000',
    'SRC=192.168.0.1 DST=10.98.0.2 LEN=84 TTL=63 ID=1 PROTO=47',
  ],
  [
    'IPv6',
    `${IPV6} d431 01bb 00000001 00000000 5011`,
    'SRC=fd00::1 DST=fd00::2 LEN=60 HOPLIMIT=64 PROTO=TCP SPT=54321 DPT=443 FIN ACK',
  ],
  ['a packet that is cut off', '45000054 2a9f', ''],
  ['no packet of IP', 'ffffffff'.repeat(12), ''],
];

test.each(table)('%s', (_, bytes, line) => {
  const found = formatPacketLine({ prefix: 'p: ', in: 'cali1', out: '', bytes: bytesOf(bytes) });
  expect(found).toBe(`p: IN=cali1 OUT=${line === '' ? '' : ` ${line}`}`);
});
