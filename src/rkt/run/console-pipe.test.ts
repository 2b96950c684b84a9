import { afterAll, beforeAll, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ocicat-console-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Prints on standard error how many milliseconds a program lives on when it has nothing more to do. */
const PROGRAM = `
const { openConsole } = await import('${join(import.meta.dir, 'console-pipe.ts')}');
const console = await openConsole(process.argv[1], () => undefined);
const app = Bun.spawn(['echo', 'text'], { stdio: ['ignore', console.pipeFor('app'), 'ignore'] });
console.begin('app', 1);
await app.exited;
await console.drained(new AbortController().signal);
const at = performance.now();
process.on('exit', () => process.stderr.write(String(performance.now() - at)));
`;

test('when all output is shown nothing keeps the program from ending', () => {
  const lives = Array.from({ length: 6 }, () => {
    const { stdout, stderr } = Bun.spawnSync([process.execPath, '-e', PROGRAM, folder]);
    expect(stdout.toString()).toEndWith(': text\n');
    return Number(stderr.toString());
  });
  expect(Math.min(...lives)).toBeLessThan(20); // and not the 50 of its longest look
});
