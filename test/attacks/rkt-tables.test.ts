// Apps that fill what the whole machine shares: memory of sockets, and the tables that the kernel keeps for a user. The same
// program runs under podman, so that what podman holds is held.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { openWorld, type Running, type World } from '../support/host/world.ts';

setDefaultTimeout(60_000);

const MIB = 1 << 20;
const PAGE_BYTES = 4096;
/** Nobody else on the machine: what it fills is nobody else's. */
const USER = '54321';

let world: World;
beforeAll(async () => {
  world = await openWorld();
  mkdirSync(join(world.directory, 'tools'));
  const program = join(world.directory, 'tools/flood');
  const built = Bun.spawnSync(['gcc', '-O1', '-static', '-o', program, join(import.meta.dir, 'flood.c'), '-lrt']);
  if (built.exitCode !== 0) throw new Error(built.stderr.toString());
});
afterAll(() => world.close());

/** A pod with the program, as a user that nobody else is. */
function flood(options: readonly string[], ...args: readonly string[]): Running {
  const tools = [`--volume=tools,kind=host,source=${join(world.directory, 'tools')},readOnly=true`];
  const app = ['docker://busybox', `--user=${USER}`, `--group=${USER}`, '--mount=volume=tools,target=/tools'];
  return world.start('run', '--net=none', ...tools, ...app, ...options, '--exec=/tools/flood', '--', ...args);
}

/** The program under podman, in a mount namespace where it finds an empty store and no control groups. */
function underPodman(...args: readonly string[]) {
  const store = '--root /run/podman/root --runroot /run/podman/run --storage-driver vfs --events-backend=none';
  const root = `--rootfs ${join(world.directory, 'tools')}`;
  const run = `podman ${store} run --rm --cgroups=disabled --network none --user ${USER}:${USER} ${root} /flood "$@"`;
  const prepare = 'mount -t tmpfs none /run; mount -t tmpfs none /sys/fs/cgroup; mkdir /run/podman';
  return world.run('unshare', '-m', '-p', '-f', '--mount-proc', 'sh', '-c', `${prepare}; ${run}`, 'sh', ...args);
}

/** How many it got of each. */
function counts(output: string): Readonly<Record<string, number>> {
  return Object.fromEntries([...output.matchAll(/([\w-]+): (-?\d+)/g)].map(([, what, got]) => [what, Number(got)]));
}

async function sockstat(pattern: RegExp): Promise<number> {
  const { stdout } = await world.run('cat', '/proc/net/sockstat');
  return Number(pattern.exec(stdout)?.[1]);
}

/** What all sockets of the machine hold, as the kernel counts it against tcp_mem and udp_mem. */
async function socketBytes(): Promise<number> {
  return PAGE_BYTES * ((await sockstat(/TCP: .* mem (\d+)/)) + (await sockstat(/UDP: .* mem (\d+)/)));
}

/** With version 1 of control groups the kernel lets connections have more than the limit, and slows them down. */
const countedSockets = existsSync('/sys/fs/cgroup/memory') ? [] : ['tcp-mib', '300'];

test("an app's --memory holds for what its sockets hold: the memory that all sockets share is not one app's", async () => {
  const before = await socketBytes();
  const pod = flood(['--memory=64M'], ...countedSockets, 'udp-mib', '300', 'hold', '20');
  await Promise.race([pod.printed('udp-mib'), pod.ended]);
  const held = (await socketBytes()) - before;
  pod.kill('SIGKILL');
  await pod.ended;
  expect(held).toBeLessThan(80 * MIB);
});

test("an app's --memory ends it before it has all of its user's epoll watches", async () => {
  const pod = flood(['--memory=64M'], 'watches', '2000000');
  const { status } = await pod.ended;
  expect([9, 137]).toContain(status); // SIGKILL, to the app or to all of its group
  expect(pod.output()).not.toContain('watches');
});

test('what podman holds of the tables of a user is held', async () => {
  const args = 'rights 60000 pipes-mib 100 inotify 300 queues 100 signals 200000'.split(' ');
  const ours = counts((await flood([], ...args).ended).stdout);
  const theirs = counts((await underPodman(...args)).stdout);
  const kinds = args.filter((_, at) => at % 2 === 0);
  expect(Object.keys(theirs)).toEqual(kinds);
  for (const [at, kind] of kinds.entries()) {
    const asked = Number(args[2 * at + 1]);
    expect(`${kind} held: ${theirs[kind] === asked || (ours[kind] ?? asked) < asked}`).toBe(`${kind} held: true`);
    // some are counted in chunks, and one program has a few pipes of its own
    expect(ours[kind]).toBeLessThanOrEqual(1.1 * (theirs[kind] ?? 0) + 2);
  }
});

test('connections that an app has closed wait in its own network alone', async () => {
  const waiting = () => sockstat(/TCP: .* tw (\d+)/);
  const before = await waiting();
  const { stdout } = await flood([], 'timewaits', '2000').ended;
  expect(counts(stdout)).toEqual({ timewaits: 2000 });
  expect(await waiting()).toBe(before);
});
