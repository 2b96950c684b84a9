// A signal ends a command, also one that computes and hears nothing.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { join } from 'node:path';
import { type EtcdServer, startEtcd } from '../support/etcd/etcd-server.ts';

const calicoctl = join(import.meta.dir, '../../dist/bin/calicoctl');
/** Loops in loops, for seconds. */
const LONG = `go-template=${'{{range .Items}}{{range (index $ 0).Items}}{{range (index $ 0).Items}}{{end}}{{end}}{{end}}'}`;
let etcd: EtcdServer;

function environment() {
  return { PATH: process.env.PATH ?? '', ETCD_ENDPOINTS: etcd.endpoint };
}

beforeAll(async () => {
  etcd = await startEtcd();
  const profiles = Array.from(
    { length: 300 },
    (_, index) => `kind: Profile\napiVersion: projectcalico.org/v3\nmetadata: {name: p${index}}\n`,
  );
  const stdin = Buffer.from(profiles.join('---\n'));
  const applied = Bun.spawnSync([calicoctl, 'apply', '-f', '-'], { env: environment(), stdin });
  expect(applied.exitCode).toBe(0);
}, 30_000);
afterAll(() => etcd.stop());

/** Starts a command, sends the signal after a while, and tells how it ended and how long that took. */
async function interrupt(args: readonly string[], signal: NodeJS.Signals, afterMs: number) {
  const child = Bun.spawn([calicoctl, ...args], { env: environment(), stdin: 'pipe', stdout: 'pipe', stderr: 'pipe' });
  await Bun.sleep(afterMs);
  const wasRunning = child.exitCode === null;
  const sentMs = performance.now();
  child.kill(signal);
  const late = setTimeout(() => child.kill('SIGKILL'), 3_000);
  await child.exited;
  clearTimeout(late);
  return { wasRunning, signal: child.signalCode, status: child.exitCode, isQuick: performance.now() - sentMs < 1_000 };
}

test.each<[NodeJS.Signals]>([['SIGTERM'], ['SIGINT'], ['SIGHUP']])(
  '%s ends a template that goes on and on',
  async (signal) => {
    const template = LONG.replace('=', '={{range .}}').concat('{{end}}');
    expect(await interrupt(['get', 'profiles', '-o', template], signal, 700)).toEqual({
      wasRunning: true,
      signal,
      status: null,
      isQuick: true,
    });
  },
);

test.each<[NodeJS.Signals]>([['SIGTERM'], ['SIGINT'], ['SIGHUP']])(
  '%s ends a command that waits for its input',
  async (signal) => {
    expect(await interrupt(['apply', '-f', '-'], signal, 500)).toMatchObject({
      wasRunning: true,
      signal,
      isQuick: true,
    });
  },
);

test.each<[NodeJS.Signals]>([['SIGTERM'], ['SIGINT']])('%s ends a watch in good order', async (signal) => {
  expect(await interrupt(['get', 'profiles', '--watch'], signal, 700)).toEqual({
    wasRunning: true,
    signal: null,
    status: 0,
    isQuick: true,
  });
});

test('a reader that goes away ends a command', async () => {
  const line = `${calicoctl} get profiles --watch | head -1`;
  const run = Bun.spawn(['sh', '-c', `${line}; ${calicoctl} get profiles -o yaml | head -1`], {
    env: environment(),
    stdout: 'pipe',
    stderr: 'pipe',
    timeout: 15_000,
  });
  await Bun.sleep(1_500);
  const change = ['label', 'profile', 'p1', 'a=b'];
  expect(Bun.spawnSync([calicoctl, ...change], { env: environment() }).exitCode).toBe(0);
  expect([await new Response(run.stdout).text(), await new Response(run.stderr).text(), await run.exited]).toEqual([
    expect.stringMatching(/^NAME *\napiVersion/),
    '',
    0,
  ]);
});
