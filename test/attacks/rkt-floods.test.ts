// Apps that make as many processes as they can: none takes them from the host or from another app.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { openWorld, type World } from '../support/host/world.ts';

setDefaultTimeout(60_000);

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world.close());

const v1 = '/sys/fs/cgroup/pids';
const hierarchy = existsSync(v1) ? v1 : '/sys/fs/cgroup';

interface Counted {
  readonly max: string;
  /** Processes that live; the kernel counts those that nobody has reaped yet as well. */
  readonly current: number;
}

/** What the kernel holds of an app's group while its pod runs. */
async function groupsWhile(args: readonly string[], apps: readonly string[]): Promise<readonly Counted[]> {
  const saved = join(world.directory, 'uuid');
  const pod = world.start('run', '--net=none', `--uuid-file-save=${saved}`, ...args);
  for (const app of apps) await pod.printed(`${app} is up`);
  const uuid = readFileSync(saved, 'utf8');
  await world.rkt('status', '--wait-ready=20s', uuid); // what made the app's container has left its group
  const read = (app: string, file: string) => readFileSync(join(hierarchy, 'rkt', uuid, app, file), 'utf8').trim();
  const counted = apps.map((app) => ({
    max: read(app, 'pids.max'),
    current: read(app, 'cgroup.procs').split('\n').length,
  }));
  await world.rkt('stop', uuid);
  await pod.ended;
  expect(existsSync(join(hierarchy, 'rkt', uuid))).toBe(false);
  return counted;
}

/** Tries to start a hundred processes that stay; a shell that cannot start one ends. */
const bomb = 'for i in $(seq 100); do sleep 25 2>/dev/null & done 2>/dev/null';
/** Says so when all of the app's processes are there, and makes no more of them. */
const stay = 'echo $AC_APP_NAME is up; exec sleep 25';
const app = (name: string, script: string, ...options: readonly string[]) => [
  'docker://busybox',
  `--name=${name}`,
  '--exec=sh',
  ...options,
  '--',
  '-c',
  script,
  '---',
];

test('an app gets 2048 processes when nobody says how many', async () => {
  expect(await groupsWhile(app('a', `${bomb}; ${stay}`), ['a'])).toEqual([{ max: '2048', current: 101 }]);
});

test('a flood of processes ends at the limit of its app, and another app still gets its own', async () => {
  const apps = [...app('flood', `(${bomb}); ${stay}`, '--pids-limit=20'), ...app('calm', `${bomb}; ${stay}`)];
  expect(await groupsWhile(apps, ['flood', 'calm'])).toEqual([
    { max: '20', current: 19 },
    { max: '2048', current: 101 },
  ]);
});

test.each(['0', '-1'])('--pids-limit=%s: no limit', async (limit) => {
  const saved = join(world.directory, 'unlimited');
  const options = ['--net=none', `--uuid-file-save=${saved}`, 'docker://busybox', '--exec=sh', `--pids-limit=${limit}`];
  const result = await world.rkt('run', ...options, '--', '-c', 'grep -c /rkt/ /proc/self/cgroup');
  expect([result.status, result.stdout]).toEqual([1, expect.stringMatching(/: 0\n$/)]);
});

test.each(['x', '-2', '1.5', '4194305', ''])('--pids-limit=%s is refused', async (limit) => {
  const result = await world.rkt('run', '--net=none', 'docker://busybox', `--pids-limit=${limit}`);
  expect([result.status, result.stderr]).toEqual([
    254,
    expect.stringContaining('wanted a whole number from -1 to 4194304'),
  ]);
});
