import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openWorld, type World } from '../support/host/world.ts';

setDefaultTimeout(60_000);

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world.close());

async function fly(script: string, options: readonly string[] = [], podOptions: readonly string[] = []) {
  const stage1 = '--stage1-path=/usr/lib/rkt/stage1-images/stage1-fly.aci';
  return world.rkt(
    'run',
    '--net=host',
    stage1,
    ...podOptions,
    'docker://busybox',
    '--exec=sh',
    ...options,
    '--',
    '-c',
    script,
  );
}

test('output, input and exit status are the app’s own', async () => {
  expect(await fly('echo out; echo err >&2; exit 6')).toEqual({ status: 6, stdout: 'out\n', stderr: 'err\n' });
});

test('the app has its own root and everything else of the host', async () => {
  const mine = (await world.run('sh', '-c', 'for n in net pid uts; do readlink /proc/self/ns/$n; done; hostname'))
    .stdout;
  const script =
    'for n in net pid uts; do readlink /proc/self/ns/$n; done; hostname; ls -d /bin/busybox /dir1; ls -d /proc/1 /dev/null /sys/kernel; echo x > /tmp/x && stat -c %a /tmp';
  const result = await fly(script);
  expect(result.stdout).toBe(`${mine}/bin/busybox\n/dir1\n/dev/null\n/proc/1\n/sys/kernel\n1777\n`);
});

test('volumes: writable, read-only, a file, and through links inside the root', async () => {
  const source = join(world.directory, 'shared');
  mkdirSync(source, { recursive: true });
  writeFileSync(join(source, 'file'), 'content\n');
  const volumes = [
    `--volume=d,kind=host,source=${source}`,
    `--volume=r,kind=host,source=${source},readOnly=true`,
    `--volume=f,kind=host,source=${source}/file`,
  ];
  const mounts = [
    '--mount=volume=d,target=/dir1/link_abs_root/rw',
    '--mount=volume=r,target=/ro',
    '--mount=volume=f,target=/new/dir/file',
  ];
  const result = await fly('echo written > /rw/new; cat /new/dir/file; touch /ro/x', mounts, volumes);
  expect(result.stdout).toBe('content\n');
  expect(result.stderr).toBe('touch: /ro/x: Read-only file system\n');
  expect(readFileSync(join(source, 'new'), 'utf8')).toBe('written\n');
});

test('user, group and environment', async () => {
  const result = await fly('id; pwd; echo $AC_APP_NAME $A', [
    '--user=user1',
    '--group=group1',
    '--supplementary-gids=400',
    '--working-dir=/dir1',
    '--environment=A=b',
  ]);
  expect(result.stdout).toBe('uid=1000(user1) gid=100(group1) groups=400\n/dir1\nbusybox b\n');
});

test('the process is the runner’s own, holds the pod, and can be listed, entered and stopped', async () => {
  const pod = world.start(
    'run',
    '--net=host',
    '--stage1-name=coreos.com/rkt/stage1-fly:1.30.0',
    'docker://busybox',
    '--exec=sh',
    '--',
    '-c',
    'echo $$; echo up; sleep 60',
  );
  await pod.printed('up');
  const [uuid = ''] = (await world.rkt('list', '--full', '--no-legend')).stdout
    .split('\n')
    .filter((line) => line.includes('running'))
    .map((line) => line.split('\t')[0] ?? '');
  const status = (await world.rkt('status', uuid)).stdout;
  expect(status).toContain('state=running\n');
  const pid = /^pid=(\d+)$/m.exec(status)?.[1];
  expect((await world.rkt('enter', uuid, 'sh', '-c', 'ls -d /dir1; echo $VAR_FROM_MANIFEST')).stdout).toBe(
    '/dir1\nmanifest\n',
  );
  expect((await world.rkt('stop', uuid)).stdout).toBe(`"${uuid}"\n`);
  expect((await pod.ended).stdout).toBe(`${pid}\nup\n`);
  expect((await world.rkt('status', uuid)).stdout).toStartWith('state=exited\n');
  expect((await world.rkt('rm', uuid)).status).toBe(0);
});

test('nothing is left on the host', async () => {
  await fly('true');
  expect((await world.run('sh', '-c', `grep -c ${world.dataDir} /proc/self/mountinfo`)).stdout).toBe('0\n');
  await world.rkt('gc', '--grace-period=0s');
  expect(readdirSync(join(world.dataDir, 'pods/exited-garbage'))).toEqual([]);
});

const one = ['docker://busybox', '--exec=true'];
test.each([
  [['--net=default', ...one], 'shares the network of the host, wanted --net=host'],
  [[...one, '---', 'docker://busybox', '--name=b'], 'only supports 1 application per Pod'],
  [['--hostname=x', ...one], 'shares the host name, --hostname cannot be set'],
  [['--ipc=private', ...one], 'shares the IPC namespace, --ipc=private cannot be set'],
  [[...one, '--caps-retain=CAP_KILL'], 'cannot restrict capabilities'],
  [[...one, '--memory=16Mi'], 'cannot limit memory, processor time or processes'],
  [[...one, '--readonly-rootfs=true'], 'cannot make the root file system read-only'],
])('%j is refused', async (args, reason) => {
  const result = await world.rkt('run', '--stage1-from-dir=stage1-fly.aci', ...args);
  expect(result).toEqual({ status: 254, stdout: '', stderr: `stage1: flavour fly: ${reason}\n` });
});
