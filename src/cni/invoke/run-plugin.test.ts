import { afterAll, expect, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runPlugin, tryFindPlugin } from './run-plugin.ts';

const folder = mkdtempSync(join(tmpdir(), 'ocitest-plugin-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function install(name: string, script: string, mode = 0o755): string {
  writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`, { mode });
  return join(folder, name);
}

const call = { program: 'p', variables: { CNI_COMMAND: 'ADD', CNI_IFNAME: 'eth0', LD_PRELOAD: 'x' }, input: '{"a":1}' };
const signal = AbortSignal.timeout(10_000);

test('a plugin is a file that can be run', () => {
  install('text', 'true', 0o644);
  const path = install('program', 'true');
  expect([tryFindPlugin('text', [folder]), tryFindPlugin('program', ['/nonexistent', folder])]).toEqual([
    undefined,
    path,
  ]);
});

test('a plugin gets the variables of the specification and nothing else, and its input', async () => {
  const path = install('echo', 'env | grep -E "^(CNI_|LD_)" | sort; cat; echo loud >&2; exit 3');
  expect(await runPlugin({ command: [path], call, stderr: 'pipe', signal })).toEqual({
    status: 3,
    killedBy: undefined,
    output: 'CNI_COMMAND=ADD\nCNI_IFNAME=eth0\n{"a":1}',
    errors: 'loud\n',
  });
});

test('a plugin that does not end is killed', async () => {
  const path = install('sleeper', 'exec sleep 60');
  const outcome = await runPlugin({ command: [path], call, stderr: 'pipe', signal: AbortSignal.timeout(50) });
  expect(outcome.killedBy).toBe('SIGKILL');
});
