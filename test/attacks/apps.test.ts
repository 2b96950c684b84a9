// Hostile apps: each attempt of the table, with the default capabilities, with each of them alone, as a user of the image, in
// an entered command; and the same program under podman, so that what podman holds is held.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test';
import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { defaultCapabilities } from '../../src/rkt/options/capabilities.ts';
import { openWorld, type Result, type World } from '../support/host/world.ts';
import { appAttempts } from './app-attempts.ts';
import { buildHostile, outcomes, successes, TOOLS } from './hostile-app.ts';

setDefaultTimeout(60_000);

const attempts = appAttempts();
const args = attempts.flat();

let world: World;
let tools: readonly string[];
beforeAll(async () => {
  world = await openWorld();
  tools = buildHostile(world);
});
afterAll(() => world.close());

function attack(...options: readonly string[]): Promise<Result> {
  return world.rkt('run', '--net=none', ...tools, 'docker://busybox', ...options, `--exec=${TOOLS}`, '--', ...args);
}

/** Every row was tried, and none went through. */
function expectHeld(result: Result): void {
  expect([result.status, outcomes(result).length]).toEqual([0, attempts.length]);
  expect(successes(result)).toEqual([]);
}

test('an app with the default capabilities', async () => expectHeld(await attack()));

test.each(defaultCapabilities)('an app with %s alone', async (capability) => {
  expectHeld(await attack(`--caps-retain=${capability}`));
});

test('an app of a user other than root', async () => expectHeld(await attack('--user=user1', '--group=100')));

test('an app without the filter of system calls is still held by its capabilities, but for what needs none', async () => {
  const result = await world.rkt(
    '--insecure-options=seccomp',
    ...['run', '--net=none', ...tools, 'docker://busybox', `--exec=${TOOLS}`, '--', ...args],
  );
  const freeForAll =
    /^(unshare-user|unshare-mount|clone-user|io_uring|userfaultfd|keyctl|add_key|perf|tiocsti|ptrace|socket|personality) /;
  expect(outcomes(result).length).toBe(attempts.length);
  expect(successes(result).filter((line) => !freeForAll.test(line))).toEqual([]);
});

/** The same program as root of a container, in a mount namespace where podman finds an empty store and no cgroups. */
function underPodman(): Promise<Result> {
  const root = join(world.directory, 'podman');
  mkdirSync(root, { recursive: true });
  copyFileSync(join(world.directory, 'tools/hostile'), join(root, 'hostile'));
  const store = '--root /run/podman/root --runroot /run/podman/run --storage-driver vfs --events-backend=none';
  const run = `podman ${store} run --rm --cgroups=disabled --network none --rootfs ${root} /hostile "$@"`;
  const prepare = 'mount -t tmpfs none /run; mount -t tmpfs none /sys/fs/cgroup; mkdir /run/podman';
  return world.run('unshare', '-m', '-p', '-f', '--mount-proc', 'sh', '-c', `${prepare}; ${run}`, 'sh', ...args);
}

test('what podman holds is held', async () => {
  const [ours, theirs] = [await attack(), await underPodman()];
  expect([theirs.status, outcomes(theirs).length]).toEqual([0, attempts.length]);
  const heldByPodman = outcomes(theirs).filter((line) => line.includes(': held: '));
  expect(heldByPodman.length).toBeGreaterThan(attempts.length / 2);
  const heldHere = new Set(outcomes(ours).map((line) => line.replace(/: held: .*/, '')));
  expect(heldByPodman.map((line) => line.replace(/: held: .*/, '')).filter((line) => !heldHere.has(line))).toEqual([]);
});
