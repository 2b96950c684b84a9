import { expect, test } from 'bun:test';
import * as netlink from './netlink.ts';

test('the writer lays out headers, attributes, nests and padding', () => {
  const writer = netlink.createMessageWriter(8);
  writer.begin(0x1234, netlink.NLM_F_ACK).u8(1).u8(2).be16(0x0304);
  writer.attrU8(1, 9).attrBe32(2, 0x01020304).attrString(3, 'ab').nest(4).attrU16(5, 7).endNest().end();
  expect(Buffer.from(writer.finish()).toString('hex').match(/.{8}/g)?.join(' ')).toBe(
    '38000000 34120500 01000000 00000000 01020304 05000100 09000000 08000200 01020304 07000300 61620000 0c000480 06000500 07000000',
  );
  expect(writer.count).toBe(1);
  expect(writer.reset().finish().length).toBe(0);
  expect(writer.firstSeq).toBe(2);
});

test('the writer refuses what netlink cannot say', () => {
  const writer = netlink.createMessageWriter();
  writer.begin(1, 0).nest(1);
  for (let i = 0; i < 9000; i++) writer.attrU32(1, i);
  expect(writer.nestLength).toBe(72004);
  expect(() => writer.endNest()).toThrow('72004 bytes, 65535 at most wanted');
  expect(() => writer.attrBytes(1, new Uint8Array(65536))).toThrow('65531 at most');
  expect(() => writer.begin(2, 0)).toThrow('another one is open');
  expect(() => writer.finish()).toThrow('still open');
});

test('what is written is read back', () => {
  const writer = netlink.createMessageWriter();
  writer
    .begin(7, 0)
    .attrU32(1, 0xfffffffe)
    .attrBe64(2, 2n ** 63n)
    .attrBe16(2, 515)
    .attrString(3, 'é')
    .end();
  const [message] = [...netlink.readMessages(writer.finish())];
  const list = netlink.readAttributeList(message?.payload ?? new Uint8Array());
  expect(list.map(({ type }) => type)).toEqual([1, 2, 2, 3]);
  expect(netlink.readU32(list[0]?.value ?? new Uint8Array())).toBe(0xfffffffe);
  expect(netlink.readBe64(list[1]?.value ?? new Uint8Array())).toBe(2n ** 63n);
  expect(netlink.readBe16(list[2]?.value ?? new Uint8Array())).toBe(515);
  expect(netlink.readText(list[3]?.value ?? new Uint8Array())).toBe('é');
});

test('a truncated message or attribute is not read', () => {
  const writer = netlink.createMessageWriter();
  const bytes = writer.begin(7, 0).attrU32(1, 5).end().finish();
  expect([...netlink.readMessages(bytes.subarray(0, 20))]).toEqual([]);
  expect(netlink.readAttributeList(Uint8Array.of(9, 0, 1, 0, 1))).toEqual([]);
  expect(netlink.readAttributeList(Uint8Array.of(0, 0, 1, 0))).toEqual([]);
});
