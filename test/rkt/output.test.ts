// What apps print on its way to a reader: one that is slow, one that does not read at all, and apps that never pause.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test';
import { join } from 'node:path';
import { openWorld, type Running, type World } from '../support/host/world.ts';

setDefaultTimeout(60_000);

let world: World;
beforeAll(async () => {
  world = await openWorld(45_000);
});
afterAll(() => world.close());

/** Starts a shell script on the host in which "$@" is rkt running `command`; its pod's UUID is saved in the named file. */
function launch(name: string, script: string, ...command: readonly string[]): Running {
  const [program = '', ...args] = command;
  const options = ['--net=none', `--uuid-file-save=${join(world.directory, name)}`];
  const words = world.command('run', ...options, 'docker://busybox', `--exec=${program}`, '--', ...args);
  return world.launch('sh', '-c', script, 'sh', ...words);
}

async function untilState(name: string, state: string): Promise<void> {
  const file = `--uuid-file=${join(world.directory, name)}`;
  for (let attempt = 0; attempt < 100; attempt++) {
    if ((await world.rkt('status', file)).stdout.startsWith(`state=${state}\n`)) return;
    await Bun.sleep(50);
  }
  throw new Error(`pod "${name}" is not ${state}`);
}

async function stop(name: string): Promise<void> {
  await world.rkt('status', '--wait-ready=10s', `--uuid-file=${join(world.directory, name)}`);
  await Bun.sleep(500); // its output is flowing, or stuck
  expect((await world.rkt('stop', `--uuid-file=${join(world.directory, name)}`)).status).toBe(0);
  await untilState(name, 'exited');
}

test.each([
  ['null', '"$@" >/dev/null'],
  ['full', '"$@" >/dev/full'],
  ['gone', '"$@" | true'],
])('a pod that prints without a pause ends when it is asked to: to %s', async (name, script) => {
  const running = launch(name, `{ ${script}; }; echo ended`, 'yes');
  await stop(name);
  await running.printed('ended');
});

test('a pod whose output nobody reads ends when it is asked to', async () => {
  const running = launch('stuck', '{ "$@"; echo "status $?" >&2; } | sleep 20', 'yes');
  await stop('stuck');
  for (let attempt = 0; attempt < 100 && !running.errors().includes('status'); attempt++) await Bun.sleep(50);
  expect(running.errors().split('\n').slice(-3)).toEqual([
    'stage1: warning: write standard output: nobody reads it; what apps print may be lost',
    'status 15',
    '',
  ]);
  running.kill('SIGKILL');
});

test('a reader that begins late, when the pod has long ended its work, gets every line in order', async () => {
  const running = launch('late', '"$@" | { sleep 2; cat; }', 'seq', '1', '50000');
  const lines = (await running.ended).stdout.split('\n').slice(0, -1);
  expect(lines.map((line) => line.slice(line.indexOf(': ') + 2))).toEqual(
    Array.from({ length: 50_000 }, (_, index) => String(index + 1)),
  );
});

test('gc collects what it cannot tell of', async () => {
  const running = launch('collected', '"$@"', 'true');
  expect((await running.ended).status).toBe(0);
  const gc = world.command('gc', '--grace-period=0s');
  const result = await world.run('sh', '-c', '"$@" >/dev/full', 'sh', ...gc);
  expect([result.status, result.stderr]).toEqual([254, expect.stringContaining('write standard output: ENOSPC')]);
  expect((await world.rkt('list', '--no-legend')).stdout).toBe('\n');
});
