import { expect, test } from 'bun:test';
import { formatDecimalSize, formatLayerLine, openProgressDisplay } from './progress.ts';

test.each([
  [0, '0 B'],
  [999, '999 B'],
  [1000, '1 KB'],
  [668_123, '668 KB'],
  [999_999, '1 MB'],
  [1_234_567, '1.23 MB'],
  [3.5e9, '3.5 GB'],
])('%d bytes are %s', (bytes, text) => {
  expect(formatDecimalSize(bytes)).toBe(text);
});

const digest = 'sha256:8ddc19f16526912237dd8af81971d5e4dd0587907234be2b83e249518d5b673f';

test.each([
  [668_000, 668_000, 'Downloading sha256:8ddc19f1652 [=============================] 668 KB / 668 KB  '],
  [334_000, 668_000, 'Downloading sha256:8ddc19f1652 [==============               ] 334 KB / 668 KB  '],
  [0, undefined, 'Downloading sha256:8ddc19f1652 [                             ] 0 B / ?          '],
])('draws a bar of 80 columns for %p of %p', (receivedBytes, totalBytes, line) => {
  expect(line).toHaveLength(80);
  expect(formatLayerLine({ digest, receivedBytes, totalBytes }, true)).toBe(line);
});

function draw(isTerminal: boolean, debug: boolean): string {
  let written = '';
  const display = openProgressDisplay({
    write: (text) => (written += text),
    moveUp: () => undefined,
    isTerminal,
    debug,
  });
  display.report({ kind: 'debug', text: 'fetching image from docker://busybox' });
  display.report({ kind: 'note', text: 'another rkt instance is downloading this file, waiting...' });
  display.report({ kind: 'layer', digest, receivedBytes: 5, totalBytes: 10 });
  display.report({ kind: 'layer', digest, receivedBytes: 10, totalBytes: 10 });
  display.close();
  return written;
}

test('off a terminal there are no bars, and debug lines only on demand', () => {
  expect(draw(false, false)).toBe(
    'image: another rkt instance is downloading this file, waiting...\nDownloading sha256:8ddc19f1652  10 B / 10 B\n',
  );
  expect(draw(false, true)).toStartWith('image: fetching image from docker://busybox\n');
});

test('on a terminal the block of layers is drawn over itself', async () => {
  let written = '';
  const display = openProgressDisplay({
    write: (text) => (written += text),
    moveUp: (lines) => (written += `(up ${lines})`),
    isTerminal: true,
    debug: false,
  });
  display.report({ kind: 'layer', digest, receivedBytes: 5, totalBytes: 10 });
  display.report({ kind: 'layer', digest: digest.replace('8', '9'), receivedBytes: 1, totalBytes: 10 });
  await Bun.sleep(600);
  const first = written;
  display.report({ kind: 'layer', digest, receivedBytes: 10, totalBytes: 10 });
  display.close();
  expect(first.split('\n')).toHaveLength(3);
  expect(written.slice(first.length)).toStartWith('(up 2)Downloading sha256:8ddc19f1652 [====');
});

test('nothing is drawn when nothing was downloaded', () => {
  let written = '';
  openProgressDisplay({
    write: (text) => (written += text),
    moveUp: () => undefined,
    isTerminal: true,
    debug: true,
  }).close();
  expect(written).toBe('');
});
