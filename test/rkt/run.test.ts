import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openWorld, type Result, type World } from '../support/host/world.ts';

setDefaultTimeout(60_000);

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world.close());

/** What apps printed, without the time before each line and the process id. */
function lines(result: Result): readonly string[] {
  return result.stdout
    .split('\n')
    .slice(0, -1)
    .map((line) => line.replace(/^\[ *\d+\.\d{6}\] ([a-z0-9-]+)\[\d+\]: /, '$1: '));
}

/** Runs a shell script in a pod without networks; `options` are the app's. */
async function shell(script: string, options: readonly string[] = [], podOptions: readonly string[] = []) {
  return world.rkt('run', '--net=none', ...podOptions, 'docker://busybox', '--exec=sh', ...options, '--', '-c', script);
}

test('output of both streams comes in order, each line with time, app and process id', async () => {
  const result = await shell('echo one; echo two >&2; printf "10%%\\r100%%\\nlast"; exit 7');
  expect(result.status).toBe(7);
  expect(result.stdout).toMatch(/^(\[ {0,4}\d+\.\d{6}\] busybox\[[2-9]\]: (one|two|10%|100%|last)\n){5}$/);
  expect(lines(result)).toEqual(['busybox: one', 'busybox: two', 'busybox: 10%', 'busybox: 100%', 'busybox: last']);
  expect(result.stderr).toBe('networking: networking namespace with loopback only\n');
});

test.each([
  ['--exec=/missing', 'Error: Unable to open "/missing": No such file or directory'],
  ['--exec=/bin/no-loader', 'Error: Unable to open "/missing/interpreter": No such file or directory'],
  ['--exec=/etc/passwd', 'Error: "/etc/passwd" is not executable'],
  ['--exec=/etc', 'Error: "/etc" is not a regular file'],
])('%s ends the app with status 203', async (exec, words) => {
  const result = await world.rkt('run', '--net=none', 'docker://busybox', exec);
  expect([result.status, lines(result)]).toEqual([203, [`busybox: ${words}`]]);
});

test.each([
  [['--exec=missing'], 'stage1: error looking up "missing": unable to find "missing" in "/bin"'],
  [['--user=user2'], 'stage1: "user2" user not found'],
  [['--group=group2'], 'stage1: "group2" group not found'],
  [['--user=/missing'], 'stage1: stat "/missing": no such file or directory'],
])('%j is told in one line, status 254', async (options, words) => {
  const result = await world.rkt('run', '--net=host', 'docker://busybox', ...options);
  expect(result).toEqual({ status: 254, stdout: '', stderr: `${words}\n` });
});

test('the first app that fails decides, the others are stopped and counted as fine', async () => {
  const app = (name: string, script: string) => [
    'docker://busybox',
    `--name=${name}`,
    '--exec=sh',
    '--',
    '-c',
    script,
    '---',
  ];
  const apps = [...app('a', 'exit 0'), ...app('b', 'sleep 0.3; exit 5'), ...app('c', 'sleep 60; exit 6')];
  const saved = join(world.directory, 'uuid');
  const result = await world.rkt('run', '--net=none', `--uuid-file-save=${saved}`, ...apps);
  expect(result.status).toBe(5);
  const status = await world.rkt('status', `--uuid-file=${saved}`);
  expect(status.stdout.split('\n').filter((line) => line.startsWith('app-'))).toEqual([
    'app-a=0',
    'app-b=5',
    'app-c=0',
  ]);
});

test('an app that a signal kills ends with the number of the signal', async () => {
  expect((await shell('kill -9 $$')).status).toBe(9);
});

test('apps of a pod share processes, network and host name, but not files', async () => {
  const app = (name: string, script: string) => [
    'docker://busybox',
    `--name=${name}`,
    '--exec=sh',
    '--',
    '-c',
    script,
    '---',
  ];
  const server = app('server', 'touch /mine; echo hello | nc -l -p 7777');
  const client = app('client', 'sleep 0.3; nc 127.0.0.1 7777 </dev/null; ls /mine 2>&1; cat /proc/1/comm; hostname');
  const result = await world.rkt('run', '--net=none', '--hostname=box', ...server, ...client);
  const printed = lines(result).filter((line) => line.startsWith('client: '));
  expect(printed).toEqual([
    'client: hello',
    'client: ls: /mine: No such file or directory',
    'client: pause',
    'client: box',
  ]);
});

test('processes that an app leaves behind end with the pod', async () => {
  const started = performance.now();
  expect((await shell('sleep 20 & exit 0')).status).toBe(0);
  expect(performance.now() - started).toBeLessThan(5000);
});

const environments: readonly (readonly [readonly string[], readonly string[], string, string])[] = [
  [[], [], 'VAR_FROM_MANIFEST', 'manifest'],
  [['--set-env=VAR_OTHER=setenv'], [], 'VAR_OTHER', 'setenv'],
  [['--set-env=VAR_FROM_MANIFEST=setenv'], [], 'VAR_FROM_MANIFEST', 'setenv'],
  [['--inherit-env=true'], [], 'VAR_OTHER', 'host'],
  [['--inherit-env=true'], [], 'VAR_FROM_MANIFEST', 'manifest'],
  [['--inherit-env=true', '--set-env=VAR_OTHER=setenv'], [], 'VAR_OTHER', 'setenv'],
  [['--set-env-file=FILE', '--set-env=VAR_OTHER=setenv'], [], 'VAR_OTHER', 'setenv'],
  [['--set-env-file=FILE'], [], 'VAR_OTHER', 'file'],
  [['--set-env=VAR_OTHER=setenv'], ['--environment=VAR_OTHER=app'], 'VAR_OTHER', 'app'],
  [[], [], 'HOME', '/root'],
  [[], [], 'AC_APP_NAME', 'busybox'],
];

test.each(environments)('environment: %j %j gives %s=%s', async (podOptions, appOptions, name, value) => {
  const file = join(world.directory, 'env');
  writeFileSync(file, '# comment\n; another\n\nVAR_OTHER=file\n');
  const options = podOptions.map((option) => option.replace('FILE', file));
  expect(lines(await shell(`echo "$${name}"`, appOptions, options))).toEqual([`busybox: ${value}`]);
});

test.each([
  [[], 'uid=0(root) gid=0(root)'],
  [['--user=200'], 'uid=200 gid=0(root)'],
  [['--group=300'], 'uid=0(root) gid=300'],
  [['--user=user1', '--group=300'], 'uid=1000(user1) gid=300'],
  [['--user=200', '--group=group1', '--supplementary-gids=400,500'], 'uid=200 gid=100(group1) groups=400,500'],
  [['--user=/bin/busybox', '--group=/bin/busybox'], 'uid=0(root) gid=0(root)'],
])('%j runs as %s', async (options, words) => {
  expect(lines(await shell('id', options))).toEqual([`busybox: ${words}`]);
});

test.each([
  [[], '00000000a80425fb'],
  [['--caps-retain=CAP_KILL,CAP_SYS_TIME'], '0000000002000020'],
  [['--caps-remove=CAP_KILL', '--caps-remove=CAP_SYS_ADMIN'], '00000000a80425db'],
])('%j leaves the bounding set %s', async (options, set) => {
  const root = await shell('grep -E "CapBnd|CapEff" /proc/self/status', options);
  expect(lines(root)).toEqual([`busybox: CapEff:\t${set}`, `busybox: CapBnd:\t${set}`]);
  const user = await shell('grep -E "CapBnd|CapEff|NoNew" /proc/self/status', [...options, '--user=9000']);
  expect(lines(user)).toEqual([
    'busybox: CapEff:\t0000000000000000',
    `busybox: CapBnd:\t${set}`,
    'busybox: NoNewPrivs:\t1',
  ]);
});

test('without --insecure-options kernel paths are hidden or read-only and device nodes dead; mounting is refused', async () => {
  const probe = [
    'cat /sys/firmware/* 2>/dev/null | head -c 1',
    'cat /proc/timer_list | head -c 1',
    '(echo x > /proc/sys/kernel/hostname) 2>/dev/null || echo sys-read-only',
    'mknod /disk c 1 3; (echo x > /disk) 2>/dev/null || echo node-dead',
    '(mknod /dev/disk c 1 3; echo x > /dev/disk) 2>/dev/null || echo dev-node-dead',
    'echo x > /dev/null && echo null-works',
    'mount -t tmpfs none /tmp 2>/dev/null || echo mount-refused',
  ];
  const closed = await shell(probe.join('\n'), ['--caps-retain=CAP_SYS_ADMIN,CAP_MKNOD,CAP_DAC_OVERRIDE']);
  expect(lines(closed)).toEqual([
    'busybox: sys-read-only',
    'busybox: node-dead',
    'busybox: dev-node-dead',
    'busybox: null-works',
    'busybox: mount-refused',
  ]);
  const open = await world.rkt(
    '--insecure-options=all-run',
    'run',
    '--net=none',
    'docker://busybox',
    '--exec=sh',
    '--',
    '-c',
    probe.slice(3).join('\n'),
  );
  expect(lines(open)).toEqual(['busybox: null-works']);
});

test.each([
  [[], undefined],
  [['--dns=8.8.4.4'], '# Generated by rkt run\n\nnameserver 8.8.4.4\n'],
  [
    [
      '--dns=8.8.8.8,8.8.4.4',
      '--dns-search=a.com',
      '--dns-search=b.com',
      '--dns-opt=debug',
      '--dns-opt=rotate',
      '--dns-domain=example.net',
    ],
    '# Generated by rkt run\n\nsearch a.com b.com\nnameserver 8.8.8.8\nnameserver 8.8.4.4\noptions debug rotate\ndomain example.net\n',
  ],
])('%j makes resolv.conf', async (options, content) => {
  const result = await shell('cat /etc/resolv.conf', [], options);
  const shown = content
    ?.trimEnd()
    .split('\n')
    .map((line) => `busybox: ${line}`);
  expect(lines(result)).toEqual(shown ?? ["busybox: cat: can't open '/etc/resolv.conf': No such file or directory"]);
});

test('the host’s resolv.conf and hosts can be given to the pod', async () => {
  const result = await shell('wc -c < /etc/hosts; wc -c < /etc/resolv.conf', [], ['--hosts-entry=host', '--dns=host']);
  const sizes = ['/etc/hosts', '/etc/resolv.conf'].map((file) => readFileSync(file).length);
  expect(lines(result)).toEqual(sizes.map((size) => `busybox: ${size}`));
});

test('hosts entries, host name and mtab', async () => {
  const script =
    'grep -c localhost /etc/hosts; tail -n 2 /etc/hosts; cat /etc/hostname; ls -l /etc/hostname | cut -c1-10; readlink /etc/mtab';
  const options = [
    '--hosts-entry=1.2.3.4=one,1.2.3.4=two',
    '--hosts-entry=fd00--=x'.replace('fd00--', 'fd00::1'),
    '--hostname=my.host',
  ];
  expect(lines(await shell(script, [], options))).toEqual([
    'busybox: 2',
    'busybox: 1.2.3.4 one two',
    'busybox: fd00::1 x',
    'busybox: my.host',
    'busybox: -rw-r--r--',
    'busybox: ../proc/self/mounts',
  ]);
});

test('a read-only root file system', async () => {
  const result = await shell(
    'touch /x 2>&1; touch /vol/x && echo written',
    ['--readonly-rootfs=true', '--mount=volume=v,target=/vol'],
    ['--volume=v,kind=empty'],
  );
  expect(lines(result)).toEqual(['busybox: touch: /x: Read-only file system', 'busybox: written']);
});

test.each([
  ['/dir1/link_abs_dir2/foo', '/dir2/foo'],
  ['/dir1/link_rel_dir2/bar', '/dir2/bar'],
  ['/dir1/../dir1/.//link_rel_dir2/foo', '/dir2/foo'],
  ['/dir1/../../../foo', '/foo'],
  ['/dir1/link_abs_dotdot_dir2/foo', '/dir2/foo'],
  ['/dir1/../../../newdir/foo', '/newdir/foo'],
  ['/dir1/link_rel_dir2/newdir/foo', '/dir2/newdir/foo'],
  ['/dir1/link_abs_notexists/newdir1/newdir2/foo', '/notexists/newdir1/newdir2/foo'],
  ['/dir1/link_abs_root/newdir1/newdir2/foo', '/newdir1/newdir2/foo'],
  ['../../../../foo', '/foo'],
])('a volume on %s is at %s, inside the root', async (target, path) => {
  const source = join(world.directory, 'volume-file');
  writeFileSync(source, 'content\n');
  const result = await shell(
    `cat ${path}`,
    [`--mount=volume=v,target=${target}`],
    [`--volume=v,kind=host,source=${source}`],
  );
  expect(lines(result)).toEqual(['busybox: content']);
});

test('volumes of the host: written through, read-only with what is mounted below, recursive or not', async () => {
  const source = join(world.directory, 'tree');
  mkdirSync(join(source, 'sub'), { recursive: true });
  writeFileSync(join(source, 'sub/name'), 'outer\n');
  await world.run('sh', '-c', `mount -t tmpfs none ${source}/sub && echo inner > ${source}/sub/name`);
  const volume = (rest: string) => [`--volume=v,kind=host,source=${source}${rest}`];
  const mount = ['--mount=volume=v,target=/v'];
  expect(lines(await shell('cat /v/sub/name; echo new > /v/file', mount, volume('')))).toEqual(['busybox: inner']);
  expect(readFileSync(join(source, 'file'), 'utf8')).toBe('new\n');
  expect(lines(await shell('cat /v/sub/name', mount, volume(',recursive=false')))).toEqual(['busybox: outer']);
  const readOnly = await shell('touch /v/x 2>&1; touch /v/sub/x 2>&1', mount, volume(',readOnly=true'));
  expect(lines(readOnly)).toEqual([
    'busybox: touch: /v/x: Read-only file system',
    'busybox: touch: /v/sub/x: Read-only file system',
  ]);
});

test('a volume that is not there, and a duplicate one', async () => {
  const missing = await shell('true', ['--mount=volume=v,target=/v'], ['--volume=v,kind=host,source=/not/there']);
  expect([missing.status, missing.stderr]).toEqual([
    254,
    'networking: networking namespace with loopback only\nstage1: Failed to stat /not/there: No such file or directory\n',
  ]);
  const twice = await shell('true', [], ['--volume=v,kind=empty', '--volume=v,kind=empty']);
  expect([twice.status, twice.stderr]).toEqual([254, 'run: duplicate volume name "v"\n']);
});

test("a volume that nobody named is its app's alone: no other may have its name", async () => {
  const volume = '--volume=own-volume-data,kind=empty';
  const result = await world.rkt('run', '--net=none', volume, 'docker://volumes', '--name=own', '--', 'true');
  expect([result.status, result.stderr]).toEqual([254, 'run: duplicate volume name "own-volume-data"\n']);
});

test('an empty volume has the mode and owner asked for, and is shared by the apps', async () => {
  const app = (name: string, script: string) => [
    'docker://busybox',
    `--name=${name}`,
    '--exec=sh',
    '--mount=volume=v,target=/v',
    '--',
    '-c',
    script,
    '---',
  ];
  const writer = app('writer', 'stat -c "%a %u %g" /v; echo shared > /v/x');
  const reader = app('reader', 'sleep 0.3; cat /v/x');
  const result = await world.rkt(
    'run',
    '--net=none',
    '--volume=v,kind=empty,mode=0723,uid=9991,gid=9992',
    ...writer,
    ...reader,
  );
  expect([...lines(result)].sort()).toEqual(['reader: shared', 'writer: 723 9991 9992']);
});

test('a volume that the image wants begins with the image’s content', async () => {
  const result = await world.rkt('run', '--net=none', 'docker://volumes', '--', 'id -u; pwd; cat /data/sub/inside');
  expect(lines(result)).toEqual(['volumes: 1000', 'volumes: /new/dir', 'volumes: from the image']);
  expect(result.stderr).toContain(
    'stage1: warning: no volume specified for mount point "/data", implicitly creating an "empty" volume.',
  );
});

test('interactive output is the app’s own, and so is input', async () => {
  const result = await world.rkt(
    'run',
    '--net=none',
    '--interactive',
    'docker://busybox',
    '--exec=sh',
    '--',
    '-c',
    'cat; echo out; echo err >&2; exit 4',
  );
  expect([result.status, result.stdout]).toEqual([4, 'out\n']);
  expect(result.stderr).toEndWith('err\n');
});

test('interactive on a terminal gives the app a terminal of its own', async () => {
  const script = 'tty; read x; echo "got $x"; exit 5';
  const words = ['run', '--net=host', '--interactive', 'docker://busybox', '--exec=sh', '--', '-c', script];
  const quoted = world.command(...words).map((word) => `'${word}'`);
  const typed = `{ sleep 0.5; echo word; sleep 0.5; } | script -qec "$1" /dev/null; echo "status $?"`;
  const result = await world.run('sh', '-c', typed, '-', quoted.join(' '));
  // Where the echo of what is typed comes depends on who has the terminal by then.
  expect(result.stdout.replaceAll('\r', '').replaceAll(/^word\n/gm, '')).toBe('/dev/pts/0\ngot word\nstatus 5\n');
});

test('the app’s terminal has the kind and size of the caller’s, and follows it', async () => {
  const grown = 'for i in $(seq 50); do [ "$(stty size)" = "50 140" ] && break; sleep 0.1; done; stty size';
  const script = `echo "$TERM"; stty size; touch /tmp/seen; ${grown}`;
  const words = ['run', '--net=host', '--interactive', 'docker://busybox', '--exec=sh', '--', '-c', script];
  const quoted = world.command(...words).map((word) => `'${word}'`);
  const growing = `(sleep 2; stty rows 50 columns 140 <$terminal) &`;
  const session = `terminal=$(tty); stty rows 40 columns 120; ${growing} TERM=xterm-kitty ${quoted.join(' ')}`;
  const result = await world.run('sh', '-c', 'sleep 5 | script -qec "$1" /dev/null', 'sh', session);
  expect(result.stdout.replaceAll('\r', '')).toBe('xterm-kitty\n40 120\n50 140\n');
});

/** Runs a shell script on the host, in which "$@" is rkt with these words. */
function hostShell(script: string, ...words: readonly string[]): Promise<Result> {
  return world.run('sh', '-c', script, 'sh', ...world.command(...words));
}

const twoLines = [
  'run',
  '--net=none',
  'docker://busybox',
  '--exec=sh',
  '--',
  '-c',
  'echo a; sleep 0.3; echo b; exit 3',
];

test('a full disk under standard output is said once, and the pod runs to its end', async () => {
  const saved = join(world.directory, 'full');
  const [command = '', ...words] = twoLines;
  const result = await hostShell('"$@" >/dev/full', command, `--uuid-file-save=${saved}`, ...words);
  expect([result.status, result.stderr.split('\n').slice(-2)]).toEqual([
    3,
    ['stage1: warning: write standard output: ENOSPC; what apps print may be lost', ''],
  ]);
  expect((await world.rkt('status', `--uuid-file=${saved}`)).stdout).toMatch(/^state=exited$/m);
  expect((await hostShell('"$@" >/dev/full 2>/dev/full', ...twoLines)).status).toBe(3);
});

test('a pod outlives the reader of its output', async () => {
  const result = await hostShell('{ "$@"; echo "status $?" >&2; } | head -n 1', ...twoLines);
  expect([result.stdout.endsWith(': a\n'), result.stderr.split('\n').slice(-2)]).toEqual([true, ['status 3', '']]);
});

test.each([['list'], ['version'], ['help'], ['--help']])(
  '%s that cannot be shown is a failure, in one line',
  async (word) => {
    const result = await hostShell('"$@" >/dev/full', word);
    expect([result.status, result.stderr]).toEqual([
      254,
      expect.stringMatching(/^\w+: write standard output: ENOSPC\n$/),
    ]);
  },
);

test('oom-score-adj and limits reach the app, and leave no control group', async () => {
  const options = ['--oom-score-adj=42', '--memory=42Mi', '--cpu=900m', '--cpu-shares=12345'];
  const saved = join(world.directory, 'limited');
  const script = 'cat /proc/self/oom_score_adj; grep -c /rkt/ /proc/self/cgroup';
  const result = await shell(script, options, [`--uuid-file-save=${saved}`]);
  if (result.status === 254) {
    expect(result.stderr).toContain('cgroup controller');
    return;
  }
  expect(lines(result)[0]).toBe('busybox: 42');
  expect(Number(lines(result)[1]?.split(' ')[1])).toBeGreaterThan(0);
  expect(result.stderr).not.toContain('warning');
  const uuid = readFileSync(saved, 'utf8');
  expect((await world.run('find', '/sys/fs/cgroup', '-maxdepth', '3', '-name', uuid)).stdout).toBe('');
});

test('a limit that cannot be kept is refused', async () => {
  const words = `unshare -m sh -c 'mount --make-rprivate /; mount -t tmpfs -o ro none /sys/fs/cgroup; exec "$@"' -`;
  const rkt = ['run', '--net=host', 'docker://busybox', '--exec=true'];
  const refused = await world.run('sh', '-c', `${words} "$@"`, '-', ...world.command(...rkt, '--memory=16Mi'));
  expect(refused.status).toBe(254);
  expect(refused.stderr).toContain('stage1: limit app "busybox": the cgroup controller "memory" is not there');
  const plain = await world.run('sh', '-c', `${words} "$@"`, '-', ...world.command(...rkt));
  const warning = `stage1: warning: apps are not limited in their number of processes: the cgroup controller "pids" is not there or cannot be written below /sys/fs/cgroup\n`;
  expect([plain.status, plain.stderr]).toEqual([0, warning]);
  const two = await world.run(
    'sh',
    '-c',
    `${words} "$@"`,
    '-',
    ...world.command(...rkt, 'docker://volumes', '--exec=true'),
  );
  expect([two.status, two.stderr.split(warning).length]).toEqual([0, 2]);
});

test.each([
  ['SIGTERM', 'trap "echo bye; exit 3" TERM; echo up; while :; do sleep 0.1; done', 'bye', 3],
  ['SIGINT', 'echo up; sleep 60', undefined, 15],
] as const)('%s ends the pod in order, with the status of its app', async (signal, script, last, status) => {
  const pod = world.start('run', '--net=none', 'docker://busybox', '--exec=sh', '--', '-c', script);
  await pod.printed('up');
  pod.kill(signal);
  const result = await pod.ended;
  expect(result.status).toBe(status);
  expect(lines(result)).toEqual(['busybox: up', ...(last === undefined ? [] : [`busybox: ${last}`])]);
});

test('nothing of a finished pod is left on the host', async () => {
  expect((await shell('true')).status).toBe(0);
  const left = await world.run('sh', '-c', `grep -c ${world.dataDir}/pods /proc/self/mountinfo`);
  expect(left.stdout).toBe('0\n');
});

test('a shell script with a Debian libc starts under the default filter', async () => {
  const tools = join(world.directory, 'tools');
  mkdirSync(tools, { recursive: true });
  writeFileSync(join(tools, 'probe'), '#!/bin/bash\nfor i in 1 2; do (echo "$i" | cat); done\n');
  chmodSync(join(tools, 'probe'), 0o755);
  const host = (name: string, path: string) => [`--volume=${name},kind=host,source=${path},readOnly=true`];
  const volumes = [
    ...host('lib', '/usr/lib'),
    ...host('lib64', '/lib64'),
    ...host('bin', '/usr/bin'),
    ...host('tools', tools),
  ];
  const mounts = [
    'volume=lib,target=/lib',
    'volume=lib64,target=/lib64',
    'volume=bin,target=/bin',
    'volume=tools,target=/tools',
  ];
  const result = await world.rkt(
    'run',
    '--net=none',
    ...volumes,
    ...mounts.map((mount) => `--mount=${mount}`),
    'docker://busybox',
    '--exec=/bin/bash',
    '--',
    '/tools/probe',
  );
  expect(lines(result)).toEqual(['busybox: 1', 'busybox: 2']);
});
