import { afterEach, beforeEach, expect, test } from 'bun:test';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { removeTree } from './remove-tree.ts';

let dir = '';
let top = '';

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'ocicat-remove-'));
  top = join(dir, 'top');
});

afterEach(() => rmSync(dir, { recursive: true, force: true }));

/** Below `top`, as Python bytes; no path is written there, so none is too long. */
function python(...lines: readonly string[]): void {
  const made = Bun.spawnSync([
    'python3',
    '-c',
    ['import os', `os.mkdir("${top}")`, `os.chdir("${top}")`, ...lines].join('\n'),
  ]);
  if (made.exitCode !== 0) throw new Error(made.stderr.toString());
}

// Step by step from the top this takes minutes.
test('a tree whose paths are longer than the kernel takes is removed at once', () => {
  python('for _ in range(6000): os.mkdir("a" * 100); os.chdir("a" * 100)');
  removeTree(top);
  expect(existsSync(top)).toBe(false);
});

test('names of any bytes are removed, at any place', () => {
  python('os.makedirs(b"\\xff/\\n\\x1b[2J/ -rf")', 'open(b"\\xff/\\xfe", "w")', 'os.mkfifo("pipe")');
  removeTree(top);
  expect(existsSync(top)).toBe(false);
});

test('links are removed and not followed, and a file and nothing are as well', () => {
  const outside = join(dir, 'outside');
  mkdirSync(outside);
  writeFileSync(join(outside, 'file'), 'kept');
  mkdirSync(join(top, 'a'), { recursive: true });
  symlinkSync(outside, join(top, 'a/link'));
  symlinkSync(outside, join(top, 'link'));
  removeTree(join(top, 'link'));
  removeTree(top);
  removeTree(top);
  expect(existsSync(top)).toBe(false);
  expect(readFileSync(join(outside, 'file'), 'utf8')).toBe('kept');
});
