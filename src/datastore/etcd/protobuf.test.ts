import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import {
  decodeMessage,
  delimitedField,
  encodeMessage,
  type Field,
  openMessage,
  type Readers,
  readNumber,
  readSigned,
  readText,
  readUnsigned,
  varintField,
} from './protobuf.ts';

const encoded: readonly (readonly [string, readonly Field[], string])[] = [
  ['nothing', [], ''],
  ['an absent field', [[1, undefined]], ''],
  ['zero is written', [[1, 0]], '0800'],
  ['two bytes of varint', [[1, 150]], '089601'],
  ['text', [[2, 'testing']], '120774657374696e67'],
  ['text beyond ASCII', [[2, 'ü']], '1202c3bc'],
  ['a message in a message', [[3, encodeMessage([1, 150])]], '1a03089601'],
  ['true', [[4, true]], '2001'],
  ['2^53 - 1', [[1, Number.MAX_SAFE_INTEGER]], '08ffffffffffffff0f'],
  ['-1 as int64', [[1, -1n]], '08ffffffffffffffffff01'],
  ['2^63 - 1', [[1, 2n ** 63n - 1n]], '08ffffffffffffffff7f'],
  ['a field number of two bytes', [[64, 'x']], '82040178'],
];

interface Sample {
  number: number;
  text: string;
}
const sampleReaders: Readers<Sample> = {
  1: varintField((into, cursor) => {
    into.number = readNumber(cursor);
  }),
  2: delimitedField((into, cursor) => {
    into.text = readText(cursor);
  }),
};

function decodeSample(hex: string): Sample {
  return decodeMessage(Buffer.from(hex, 'hex'), { number: 0, text: '' }, sampleReaders);
}

describe('protobuf', () => {
  for (const [name, fields, hex] of encoded)
    test(`writes ${name}`, () => {
      expect(encodeMessage(...fields).toString('hex')).toBe(hex);
    });

  test('reads what it knows and skips the rest, of any wire type', () => {
    expect(decodeSample('089601120261621d000000001903030303030303032a0401020304')).toEqual({ number: 150, text: 'ab' });
  });

  const broken: readonly (readonly [string, string])[] = [
    ['08', 'it ends within a field'],
    ['0896', 'it ends within a field'],
    ['12056162', 'it ends within a field'],
    ['1903', 'it ends within a field'],
    ['0a0161', 'field 1 has wire type 2, wanted 0'],
    ['1b', 'wire type 3 is unknown'],
    ['08ffffffffffffff1f', 'an integer is beyond 2^53'],
    ['08ffffffffffffffffffff01', 'an integer is longer than ten bytes'],
  ];
  for (const [hex, message] of broken)
    test(`refuses ${hex}: ${message}`, () => {
      expect(() => decodeSample(hex)).toThrow(`read message: ${message}`);
    });

  test('any integer survives', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }), fc.maxSafeNat(), (big, small) => {
        const cursor = () => {
          const at = openMessage(encodeMessage([1, big], [2, small]));
          readNumber(at);
          return at;
        };
        expect(readUnsigned(cursor())).toBe(BigInt.asUintN(64, big));
        expect(readSigned(cursor())).toBe(BigInt.asIntN(64, big));
        const rest = cursor();
        readUnsigned(rest);
        readNumber(rest);
        expect(readNumber(rest)).toBe(small);
      }),
      { seed: 3, numRuns: 500 },
    );
  });

  test('no bytes at all make it hang or read beyond the end', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        try {
          decodeSample(Buffer.from(bytes).toString('hex'));
        } catch (error) {
          expect(error).toHaveProperty('code', 'corrupt');
        }
      }),
      { seed: 4, numRuns: 2_000 },
    );
  });
});
