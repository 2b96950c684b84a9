// Every way to tell a pod to end: its apps are asked first and given their time, and what was killed never counts as fine.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { openWorld, type Running, type World } from '../support/host/world.ts';

setDefaultTimeout(60_000);

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world.close());

function childrenOf(pid: number): readonly number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

function treeOf(pid: number): readonly number[] {
  return [pid, ...childrenOf(pid).flatMap(treeOf)];
}

/** What an init system finds in a unit's control group: a process and all below it but the apps, which have their own. */
function unitOf(pid: number): readonly number[] {
  return treeOf(pid).filter((one) => !readFileSync(`/proc/${one}/cgroup`, 'utf8').includes(':/rkt/'));
}

function signalAll(pids: readonly number[], signal: NodeJS.Signals): void {
  for (const pid of pids) process.kill(pid, signal);
}

const uuidFile = () => join(world.directory, 'uuid');

/** How a pod is told; `pod` leads a process group of its own. */
type StopRequest = (pod: Running) => Promise<void> | void;
const later = () => Bun.sleep(100);
const ways: readonly (readonly [title: string, request: StopRequest])[] = [
  ['SIGTERM', (pod) => pod.kill('SIGTERM')],
  ['SIGINT', (pod) => pod.kill('SIGINT')],
  ['SIGHUP', (pod) => pod.kill('SIGHUP')],
  ['SIGQUIT', (pod) => pod.kill('SIGQUIT')],
  ['^C at a terminal: SIGINT to the process group', (pod) => void process.kill(-pod.pid, 'SIGINT')],
  ['a terminal that is gone: SIGHUP to the process group', (pod) => void process.kill(-pod.pid, 'SIGHUP')],
  ['SIGTERM to the process group', (pod) => void process.kill(-pod.pid, 'SIGTERM')],
  ['a unit that is stopped: SIGTERM to everything', (pod) => signalAll(unitOf(pod.pid), 'SIGTERM')],
  [
    'a unit that is stopped with SendSIGHUP',
    (pod) => {
      for (const name of ['SIGTERM', 'SIGHUP'] as const) signalAll(unitOf(pod.pid), name);
    },
  ],
  ['rkt stop', async () => void (await world.rkt('stop', `--uuid-file=${uuidFile()}`))],
  [
    'a hang-up that is told twice',
    async (pod) => {
      pod.kill('SIGHUP');
      await later();
      pod.kill('SIGHUP');
    },
  ],
  [
    '^C that sudo passes on',
    async (pod) => {
      process.kill(-pod.pid, 'SIGINT');
      await later();
      pod.kill('SIGINT');
    },
  ],
];

/** Starts a pod in a process group of its own, tells it to end, and returns its end. */
async function endOf(request: StopRequest, ...apps: readonly string[]) {
  const options = ['--net=none', `--uuid-file-save=${uuidFile()}`];
  const pod = world.launch('setsid', ...world.command('run', ...options, ...apps));
  await pod.printed('up');
  await request(pod);
  return pod.ended;
}

const app = (script: string) => ['docker://busybox', '--exec=sh', '--', '-c', script];
/** Takes its time to save something; a second request would make it end at once. */
const saving = (status: number) =>
  app(`trap 'trap "exit 99" TERM; sleep 0.4; echo saved; exit ${status}' TERM; echo up; while :; do sleep 0.05; done`);

test.each(ways)('%s: the app has time to save, and its status is the pod’s', async (_, request) => {
  for (const status of [0, 7]) {
    const result = await endOf(request, ...saving(status));
    expect([result.status, result.stdout]).toEqual([status, expect.stringContaining('saved')]);
    const reported = await world.rkt('status', `--uuid-file=${uuidFile()}`);
    expect(reported.stdout).toContain(`app-busybox=${status}\n`);
  }
});

test.each(ways)('%s: an app that does not listen for it is killed by it, and counts as killed', async (_, request) => {
  expect((await endOf(request, ...app('echo up; exec sleep 60'))).status).toBe(15);
});

const stubborn = app('trap "" TERM; echo up; while :; do sleep 0.1; done');

test('a second SIGTERM after a while kills what does not end, and says so', async () => {
  const request: StopRequest = async (pod) => {
    pod.kill('SIGTERM');
    await Bun.sleep(1200);
    pod.kill('SIGTERM');
  };
  expect((await endOf(request, ...stubborn)).status).toBe(9);
});

test('stop --force is no success', async () => {
  const result = await endOf(
    async () => void (await world.rkt('stop', '--force', `--uuid-file=${uuidFile()}`)),
    ...stubborn,
  );
  expect(result.status).not.toBe(0);
});

test('killing the pod’s first process is no success', async () => {
  const first = (pid: number) =>
    treeOf(pid).find((one) => readFileSync(`/proc/${one}/comm`, 'utf8') === 'pause\n') ?? 0;
  expect(
    (await endOf((pod) => process.kill(first(pod.pid), 'SIGKILL') && undefined, ...app('echo up; exec sleep 60')))
      .status,
  ).toBe(9);
});

test('a pod that is told to end while it starts is no success', async () => {
  const pod = world.launch('setsid', ...world.command('run', '--net=default', ...app('echo up; exec sleep 60')));
  await Bun.sleep(120);
  process.kill(-pod.pid, 'SIGTERM');
  expect((await pod.ended).status).not.toBe(0);
});

test('a hang-up that the caller ignores is ignored, as with nohup', async () => {
  const pod = world.launch('nohup', ...world.command('run', '--net=none', ...app('echo up; sleep 1; echo whole')));
  await pod.printed('up');
  pod.kill('SIGHUP');
  const result = await pod.ended;
  expect([result.status, result.stdout]).toEqual([0, expect.stringContaining('whole')]);
});
