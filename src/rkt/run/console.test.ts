import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { createLineSplitter, formatLinePrefix, openMonotonicClock } from './console.ts';

function split(...chunks: readonly string[]): readonly string[] {
  const lines: string[] = [];
  const splitter = createLineSplitter((line) => lines.push(Buffer.from(line).toString()));
  for (const chunk of chunks) splitter.push(Buffer.from(chunk));
  splitter.end();
  return lines;
}

test.each([
  ['lines in pieces', ['a', 'b\nc', '\n'], ['ab', 'c']],
  ['a last line without newline', ['a\nb'], ['a', 'b']],
  ['blank lines stay', ['a\n\nb\n'], ['a', '', 'b']],
  ['lines that end in CR LF', ['a\r\nb\r\n'], ['a', 'b']],
  [
    'a progress meter',
    ['\rp  10% |***  |\rp  50%', ' |***  |\rp 100% |*****|\n'],
    ['p  10% |***  |', 'p  50% |***  |', 'p 100% |*****|'],
  ],
  ['a meter that ends on a carriage return', ['a\rb\r', '\n'], ['a', 'b']],
  ['text before a carriage return', ['warning\rdone\n\r\n'], ['warning', 'done', '']],
  ['nothing', ['\r', ''], []],
])('%s', (_name, chunks, lines) => {
  expect(split(...chunks)).toEqual(lines);
});

test('an endless line is cut, and an endless meter shows each drawing', () => {
  expect(split('x'.repeat(50 * 1024)).map((line) => line.length)).toEqual([48 * 1024, 2 * 1024]);
  expect(split(`${'x'.repeat(1000)}\r`.repeat(100), 'done\n')).toEqual([...Array(100).fill('x'.repeat(1000)), 'done']);
});

test('how a stream is cut into chunks does not matter', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'ä', '\n', '\r'), maxLength: 30 });
  fc.assert(
    fc.property(text, fc.nat(30), (whole, at) => {
      expect(split(whole.slice(0, at), whole.slice(at))).toEqual([...split(whole)]);
    }),
    { seed: 7 },
  );
});

test('the prefix of the worked example', () => {
  expect(formatLinePrefix(576_042_144, 'busybox', 5)).toBe('[  576.042144] busybox[5]: ');
  expect(formatLinePrefix(123_456_000_001, 'a', 12)).toBe('[123456.000001] a[12]: ');
});

test('the clock is the machine’s', async () => {
  const clock = await openMonotonicClock();
  const uptimeUs = Number((await Bun.file('/proc/uptime').text()).split(' ')[0]) * 1e6;
  expect(Math.abs(clock() - uptimeUs)).toBeLessThan(1e6);
});
