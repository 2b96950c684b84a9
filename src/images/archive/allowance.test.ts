import { afterAll, beforeAll, expect, test } from 'bun:test';
import { mkdtempSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { OcicatError } from '../../base/errors.ts';
import { type Allowance, openAllowance } from './allowance.ts';

let directory = '';
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'ocicat-allowance-'));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function problemOf(maxBytes: number, act: (allowance: Allowance) => void): string {
  try {
    act(openAllowance({ image: 'docker://x', maxBytes, directory }));
    return 'allowed';
  } catch (error) {
    return error instanceof OcicatError ? `${error.code}: ${error.message}` : String(error);
  }
}

const raise = 'raise it by --max-image-size if you trust the image';

test('bytes of all layers count together', () => {
  expect(problemOf(100, (a) => [60, 40].forEach(a.addBytes))).toBe('allowed');
  expect(problemOf(100, (a) => [60, 41].forEach(a.addBytes))).toBe(
    `exhausted: image "docker://x": unpacks to more than it may, and its limit is 100 bytes; ${raise}`,
  );
});

test('there is one file for each 16 KiB of the limit', () => {
  const add = (count: number) => (allowance: Allowance) => {
    for (let i = 0; i < count; i++) allowance.addEntry();
  };
  expect(problemOf(2 ** 20, add(64))).toBe('allowed');
  expect(problemOf(2 ** 20, add(65))).toBe(
    `exhausted: image "docker://x": has more than 64 files and directories, and its limit is 1 MiB; ${raise}`,
  );
});

test('what is to be downloaded must fit into the limit, and on the file system', () => {
  const { blocks, bsize } = statfsSync(directory);
  expect(problemOf(2 ** 30, (a) => a.expect(2 ** 31))).toBe(
    `exhausted: image "docker://x": has 2048 MiB of compressed layers, and its limit is 1024 MiB; ${raise}`,
  );
  expect(problemOf(2 ** 60, (a) => a.expect(blocks * bsize))).toMatch(
    /^exhausted: image "docker:\/\/x": the file system of ".*" has \d+ MiB free, wanted \d+ MiB; remove images and pods \(rkt image rm, rkt gc\), or choose another place by --dir$/,
  );
});
