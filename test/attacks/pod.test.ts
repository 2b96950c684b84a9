// A pod stays in its pod: what an app finds of processes that are not the pod's, and what it can do with them.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openWorld, type World } from '../support/host/world.ts';
import { type Attempt, buildHostile, outcomes, successes, TOOLS } from './hostile-app.ts';

setDefaultTimeout(60_000);

let world: World;
let tools: readonly string[];
beforeAll(async () => {
  world = await openWorld();
  tools = buildHostile(world);
  writeFileSync(join(world.directory, 'secret'), 'of the host');
  mkdirSync(join(world.directory, 'shared'));
  symlinkSync('/proc/1/root', join(world.directory, 'shared/link'));
  symlinkSync('/proc/self/fd/7', join(world.directory, 'shared/descriptor'));
});
afterAll(() => world.close());

/** Every capability that gives no right over the kernel by itself but reaches other processes. */
const tracing = '--caps-retain=CAP_SYS_PTRACE,CAP_DAC_OVERRIDE,CAP_DAC_READ_SEARCH,CAP_SETUID,CAP_SETGID,CAP_KILL';
const capabilitySets: readonly (readonly [string, readonly string[]])[] = [
  ['the default capabilities', []],
  ['CAP_SYS_PTRACE', [tracing]],
];

/** Runs the attempts in an app of their own. */
function attack(attempts: readonly Attempt[], options: readonly string[] = [], podOptions: readonly string[] = []) {
  const args = attempts.flat();
  return world.rkt(
    'run',
    '--net=none',
    ...tools,
    ...podOptions,
    'docker://busybox',
    ...options,
    `--exec=${TOOLS}`,
    '--',
    ...args,
  );
}

function shell(script: string, options: readonly string[] = [], podOptions: readonly string[] = []) {
  return world.rkt('run', '--net=none', ...podOptions, 'docker://busybox', ...options, '--exec=sh', '--', '-c', script);
}

// --- the working directory

const outside = [
  '/proc/1/root',
  '/proc/1/cwd',
  '/proc/self/root',
  '/proc/self/cwd',
  '/proc/self/fd/3',
  '/proc/thread-self/root/etc',
  '/proc/2/root',
  '/proc/../proc/1/root',
  '/dir1/../proc/1/root',
  '/dev/fd/3',
  '/dev/stdin',
  '/shared/link',
  '/shared/link/root',
  '/shared/descriptor',
];

test.each(outside)('an app cannot start in %s', async (directory) => {
  const shared = [`--volume=shared,kind=host,source=${world.directory}/shared`, '--mount=volume=shared,target=/shared'];
  const result = await shell('echo started; pwd; cat root/etc/shadow', [`--working-dir=${directory}`], shared);
  expect([result.status, result.stdout]).toEqual([254, '']);
  expect(result.stderr).toContain(`working directory "${directory}"`);
  expect(result.stderr).toContain('outside of /proc and /dev');
});

test('a working directory may be a link of the image or of a volume', async () => {
  const folder = join(world.directory, 'releases');
  mkdirSync(join(folder, 'five'), { recursive: true });
  symlinkSync('/data/five', join(folder, 'current'));
  const volume = [`--volume=data,kind=host,source=${folder}`, '--mount=volume=data,target=/data'];
  const inVolume = await shell('pwd -P', ['--working-dir=/data/current'], volume);
  expect(inVolume.stdout).toContain('/data/five');
  const inImage = await shell('pwd -P', ['--working-dir=/dir1/link_rel_dir2']);
  expect(inImage.stdout).toContain('/dir2');
});

// --- process 1

test.each(capabilitySets)('with %s an app finds nothing of the host at process 1', async (_, options) => {
  const attempts: readonly Attempt[] = [
    ['read', '/proc/1/root/etc/shadow'],
    ['read', `/proc/1/root${world.directory}/secret`],
    ['read', `/proc/1/cwd${world.directory}/secret`],
    ['list', '/proc/1/root/etc'],
    ['write', '/proc/1/exe'],
    ['write', '/proc/1/root/pause'],
    ['list', '/proc/1/fd/0/..'],
    ['list', '/proc/1/fd/3/..'],
    ['setns', '/proc/1/ns/mnt'],
    ['setns', '/proc/1/ns/net'],
    ['setns', '/proc/1/ns/user'],
    ['kill-all', '1'],
  ];
  const result = await attack(attempts, options);
  expect([result.status, outcomes(result).length]).toEqual([0, attempts.length]);
  expect(successes(result)).toEqual([]);
});

test.each(capabilitySets)('with %s an app finds a first process that can do nothing', async (_, options) => {
  const script =
    'ls /proc/1/root; ls -l /proc/1/fd | grep -c " -> /"; grep -E "^(CapEff|CapPrm|NoNewPrivs|Seccomp):" /proc/1/status; ' +
    '[ "$(readlink /proc/1/ns/net)" = "$(readlink /proc/self/ns/net)" ] && echo same network; ' +
    'touch /proc/1/root/x 2>/dev/null || echo read-only; cut -d" " -f5,6 /proc/1/mountinfo';
  const result = await shell(script, options);
  const printed = result.stdout.split('\n').map((line) => line.replace(/^.*?\]: /, ''));
  expect(printed).toContain('pause');
  expect(printed.filter((line) => /^Cap|^NoNew|^Secc/.test(line))).toEqual([
    'CapPrm:\t0000000000000000',
    'CapEff:\t0000000000000000',
    'NoNewPrivs:\t1',
    'Seccomp:\t2',
  ]);
  expect(printed).toContain('same network');
  expect(printed).toContain('read-only');
  expect(printed).not.toContain('etc');
});

test('chroot into the first process leaves nothing to run', async () => {
  const result = await attack([
    ['chroot', '/proc/1/root/..'],
    ['read', '/etc/shadow'],
    ['read', `${world.directory}/secret`],
  ]);
  expect(
    outcomes(result)
      .slice(1)
      .every((line) => line.includes(': held: ')),
  ).toBe(true);
});

// --- several apps and entered commands

/** Looks into every process that it sees, as long as it lives, for a file of the host. */
const watcher = (secret: string) =>
  `i=0; while [ $i -lt 400 ]; do for p in /proc/[0-9]*; do [ -e $p/root${secret} ] && echo FOUND $p; [ -e $p/cwd${secret} ] && echo FOUND $p; done; i=$((i+1)); done 2>/dev/null; echo looked`;

test('while the containers of a pod are made, no app sees the processes that make them', async () => {
  const secret = join(world.directory, 'secret');
  const watching = (name: string) => [
    'docker://busybox',
    `--name=${name}`,
    tracing,
    '--exec=sh',
    '--',
    '-c',
    watcher(secret),
    '---',
  ];
  const waiting = (name: string) => ['docker://busybox', `--name=${name}`, '--exec=sleep', '--', '0.3', '---'];
  for (let round = 0; round < 3; round++) {
    const result = await world.rkt(
      'run',
      '--net=none',
      ...watching('a'),
      ...waiting('b'),
      ...watching('c'),
      ...waiting('d'),
    );
    expect([result.status, result.stdout.includes('FOUND')]).toEqual([0, false]);
    expect(result.stdout.match(/looked/g)?.length).toBe(2);
  }
});

/** Runs `work` while a pod is up. */
async function withPod(options: readonly string[], work: (uuid: string) => Promise<void>): Promise<void> {
  const saved = join(world.directory, `uuid-${crypto.randomUUID()}`);
  const app = ['docker://busybox', ...options, '--exec=sh', '--', '-c', 'echo up; exec sleep 60'];
  const pod = world.start('run', '--net=none', `--uuid-file-save=${saved}`, ...tools, ...app);
  await pod.printed('up');
  const uuid = readFileSync(saved, 'utf8');
  try {
    await work(uuid);
  } finally {
    await world.rkt('stop', '--force', uuid);
    await pod.ended;
    await world.rkt('rm', uuid);
  }
}

test('an entered command has the rights of the app and no others', async () => {
  const attributes =
    'grep -E "^(Uid|Gid|Groups|Cap|NoNewPrivs|Seccomp:)" /proc/$1/status; cat /proc/$1/cgroup /proc/$1/oom_score_adj';
  const options = [
    '--user=user1',
    '--group=100',
    '--supplementary-gids=7,8',
    '--memory=64M',
    '--oom-score-adj=300',
    '--caps-retain=CAP_CHOWN',
  ];
  await withPod(options, async (uuid) => {
    const { status, stdout } = await world.rkt('enter', uuid, '/bin/sh', '-c', `set -- self; ${attributes}`);
    const own = await world.rkt('enter', uuid, '/bin/sh', '-c', `set -- 2; ${attributes}`);
    expect(status).toBe(0);
    expect(stdout.split('\n').length).toBeGreaterThan(9);
    expect(stdout).toBe(own.stdout);
    expect(stdout).toContain('Uid:\t1000\t1000\t1000\t1000');
    expect(stdout).toMatch(/Seccomp:\t2/);
  });
});

test('an entered command meets what the app meets', async () => {
  const attempts: readonly Attempt[] = [
    ['mount', '/tmp'],
    ['unshare-user', ''],
    ['clone-user', ''],
    ['bpf', ''],
    ['io_uring', ''],
    ['userfaultfd', ''],
    ['add_key', ''],
    ['read', '/proc/kcore'],
    ['write', '/proc/sys/kernel/core_pattern'],
    ['ptrace', '1'],
    ['setns', '/proc/1/ns/net'],
  ];
  await withPod([], async (uuid) => {
    const result = await world.rkt('enter', uuid, TOOLS, ...attempts.flat());
    expect([result.status, outcomes(result).length, successes(result)]).toEqual([0, attempts.length, []]);
  });
});

test('the kernel keeps tracers off what enters only while they may not trace everything: such pods are not entered', async () => {
  await withPod([tracing], async (uuid) => {
    const refused = await world.rkt('enter', uuid, '/bin/true');
    expect([refused.status, refused.stdout]).toEqual([254, '']);
    expect(refused.stderr).toContain('CAP_SYS_PTRACE');
    expect(refused.stderr).toContain('--insecure-options=capabilities');
    expect((await world.rkt('--insecure-options=capabilities', 'enter', uuid, '/bin/true')).status).toBe(0);
  });
});

/** Runs a command on a terminal of its own and then a shell that goes on reading it; what the terminal showed. */
async function onTerminal(command: string): Promise<string> {
  const session = `(sleep 1.5; echo exit) | script -qec ${JSON.stringify(`${command}; sh`)} /dev/null`;
  return (await world.run('sh', '-c', session)).stdout;
}

test('an app cannot type into the terminal of who enters it', async () => {
  const typed = join(world.directory, 'typed');
  const attempt = `tiocsti 'touch ${typed}'`;
  await onTerminal(`${join(world.directory, 'tools/hostile')} ${attempt}`);
  expect(existsSync(typed)).toBe(true); // that is what it does where nothing is in between
  rmSync(typed);
  await withPod([], async (uuid) => {
    const shown = await onTerminal(`${world.command('enter', uuid, TOOLS).join(' ')} ${attempt}`);
    expect(shown).toContain(`tiocsti touch ${typed}:`);
    expect(existsSync(typed)).toBe(false);
    expect(await onTerminal(world.command('enter', uuid, '/bin/readlink', '/proc/self/fd/0').join(' '))).toContain(
      '/dev/pts/0',
    );
  });
});

test("a command line without a command says so and runs the image's own shell with the app's rights", async () => {
  await withPod([], async (uuid) => {
    const result = await world.rkt('enter', uuid);
    expect(result.stderr).toContain('enter: no command specified, assuming "/bin/bash"');
    expect(result.status).not.toBe(0); // the image has no bash
  });
});

// --- the pod's console

test('a pod ends with its own processes, also when another pod holds its output open', async () => {
  const meeting = join(world.directory, 'meeting');
  mkdirSync(meeting);
  const shared = [`--volume=meeting,kind=host,source=${meeting}`, '--mount=volume=meeting,target=/meeting'];
  const hostile = ['--net=none', ...tools, ...shared, 'docker://busybox', `--exec=${TOOLS}`, '--'];
  const keeper = world.start('run', ...hostile, 'keep-output', '/meeting/socket');
  await keeper.printed('listening');
  const result = await world.rkt('run', ...hostile, 'pass-output', '/meeting/socket');
  const keeps = await Promise.race([keeper.ended.then(() => 'ended'), Bun.sleep(10).then(() => 'still keeps it')]);
  expect([result.status, outcomes(result), keeps]).toEqual([
    0,
    ['pass-output /meeting/socket: not held'],
    'still keeps it',
  ]);
  keeper.kill('SIGKILL');
  await keeper.ended;
});

// --- the runtime's own program

test('an image cannot write to the runtime that starts it', async () => {
  const digest = () => createHash('sha256').update(readFileSync('/usr/bin/crun')).digest('hex');
  const before = digest();
  const result = await shell('echo "#!/proc/self/exe" > /tmp/a; chmod 755 /tmp/a; /tmp/a; echo done');
  expect(result.status).toBe(0);
  await withPod([], async (uuid) => {
    await world.rkt('enter', uuid, '/bin/sh', '-c', 'printf "#!/proc/self/exe\\n" > /bin/trap; chmod 755 /bin/trap');
    await world.rkt('enter', uuid, '/bin/trap');
  });
  expect(digest()).toBe(before);
});
