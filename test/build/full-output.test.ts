// What every program does when standard output, or standard error, cannot be written: one line, a status, no stack trace.
import { expect, test } from 'bun:test';
import { join } from 'node:path';

const OCICAT = join(import.meta.dir, '../../dist/bin/ocicat');

function run(command: string): { readonly status: number; readonly stderr: string } {
  const { exitCode, stderr } = Bun.spawnSync(['sh', '-c', `exec ${OCICAT} ${command}`]);
  return { status: exitCode, stderr: stderr.toString() };
}

test.each([
  ['--help', 1],
  ['completion bash', 1],
  ['__complete -- ca', 1],
  ['calico-node --help', 1],
  ['calico-node --version', 1],
  ['lab --help', 1],
  ['install --help', 1],
  ['uninstall --help', 1],
  ['calicoctl --help', 1],
  ['calicoctl version --client', 1],
  ['explain ippool', 1],
  ['rkt --help', 254],
  ['rkt version', 254],
])('ocicat %s to a full disk says what could not be written', (command, status) => {
  const outcome = run(`${command} >/dev/full`);
  expect(outcome.status).toBe(status);
  expect(outcome.stderr).toMatch(/^(?:[\w-]+: |Error: )?write standard output: ENOSPC\n$/);
});

test.each([
  ['calicoctl no-such-command', 1],
  ['rkt no-such-command', 254],
  ['lab no-such-command', 2],
  ['calico-node --no-such-flag', 2],
])('ocicat %s ends with its status though nobody can be told', (command, status) => {
  expect(run(`${command} 2>/dev/full`).status).toBe(status);
});

test.each(['lab --help', 'explain felixconfiguration', 'rkt --help'])(
  'a reader that has gone ends ocicat %s',
  (command) => {
    const { stderr } = Bun.spawnSync(['bash', '-c', `{ sleep 0.1; ${OCICAT} ${command}; echo $? >&2; } | true`]);
    expect(stderr.toString()).toBe('0\n');
  },
);
