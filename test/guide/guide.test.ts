import { expect, test } from 'bun:test';
import { join } from 'node:path';
import { walkGuide } from './walk.ts';

const ocicat = join(import.meta.dir, '../../dist/bin/ocicat');

function lab(...args: readonly string[]): number {
  return Bun.spawnSync([ocicat, 'lab', ...args], { stdio: ['ignore', 'inherit', 'inherit'] }).exitCode;
}

test('every command of the guide gives what the guide shows, and nothing is left behind', async () => {
  const name = `guide-${process.pid}`;
  try {
    expect(lab('up', '--name', name)).toBe(0);
    const result = await walkGuide(ocicat, name, console.log);
    expect(result.asWritten).toBe(result.steps);
  } finally {
    expect(lab('down', '--name', name)).toBe(0);
  }
}, 180_000);
