import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { createDeframer, frameMessage } from './framing.ts';

describe('gRPC framing', () => {
  test('five bytes stand before a message', () => {
    expect(frameMessage(Buffer.from('abc')).toString('hex')).toBe('0000000003616263');
    expect(frameMessage(Buffer.alloc(0)).toString('hex')).toBe('0000000000');
  });

  test('messages come out whole however they are cut', () => {
    const messages = fc.array(fc.uint8Array({ maxLength: 30 }), { maxLength: 8 });
    fc.assert(
      fc.property(messages, fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }), (sent, cuts) => {
        const stream = Buffer.concat(sent.map(frameMessage));
        const deframer = createDeframer();
        const received: string[] = [];
        for (let at = 0, turn = 0; at < stream.length; turn += 1) {
          const size = cuts[turn % cuts.length] ?? 1;
          for (const message of deframer.push(stream.subarray(at, at + size))) received.push(message.toString('hex'));
          at += size;
        }
        expect(received).toEqual(sent.map((message) => Buffer.from(message).toString('hex')));
      }),
      { seed: 5, numRuns: 500 },
    );
  });

  test('a long message is joined once, in time that grows with its length', () => {
    const message = Buffer.alloc(20_000_000, 7);
    const stream = frameMessage(message);
    const deframer = createDeframer();
    const startedMs = performance.now();
    let received: readonly Buffer[] = [];
    for (let at = 0; at < stream.length; at += 16_384) received = deframer.push(stream.subarray(at, at + 16_384));
    expect(received[0]?.equals(message)).toBe(true);
    expect(performance.now() - startedMs).toBeLessThan(1_000);
  });

  test('what is no gRPC is refused', () => {
    expect(() => createDeframer().push(Buffer.from('HTTP/1.1 400'))).toThrow(
      'read answer: it is compressed or no gRPC message',
    );
    expect(() => createDeframer().push(Buffer.from('00ffffffff', 'hex'))).toThrow(
      'read answer: 4294967295 bytes, at most 536870912 are taken',
    );
  });
});
