// Whoever calls rkt, and from wherever: nothing of the caller reaches a pod or a plugin, and no planted link is followed.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test';
import { chmodSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openWorld, type World } from '../support/host/world.ts';

setDefaultTimeout(60_000);

let world: World;
beforeAll(async () => {
  world = await openWorld();
  writeFileSync(join(world.netDir, '10-spy.conf'), '{"name":"spy","cniVersion":"0.3.1","type":"spy"}');
  const spy = `{ env; echo umask=$(umask) cwd=$(pwd); ls /proc/self/fd; } > ${world.directory}/spy.$CNI_COMMAND`;
  writeFileSync(join(world.netDir, 'spy'), `#!/bin/sh\n${spy}\necho '{"cniVersion":"0.3.1","ips":[]}'\n`);
  chmodSync(join(world.netDir, 'spy'), 0o755);
  mkdirSync(join(world.directory, 'odd cwd'));
});
afterAll(() => world.close());

/** The worst that a caller can hand over without saying so. */
const hostileCaller = (directory: string) => `
  umask 077; cd '${directory}/odd cwd'; trap '' HUP TERM PIPE USR1; ulimit -c unlimited
  exec 7</etc/shadow 9</ 12>>'${directory}/open'
  export ETCD_PASSWORD=secret LANG=tr_TR.UTF-8 LC_ALL=de_DE.UTF-8 IFS=x CDPATH=/ ENV=/tmp/x BASH_ENV=/tmp/x TMPDIR=/nowhere
  export PATH='${directory}':"$PATH" CNI_IFNAME=evil0 CNI_ARGS=IP=1.2.3.4 NODE_OPTIONS=--inspect HTTP_PROXY=http://192.0.2.1
  exec "$@"`;

async function callHostile(...words: readonly string[]) {
  const script = hostileCaller(world.directory);
  return world.run('bash', '-c', script, 'caller', ...world.command(...words));
}

const look = `umask; pwd; echo fds $(ls /proc/self/fd); for path in / /etc /dev /dev/net /tmp /proc /sys /etc/hosts /etc/resolv.conf; do
  stat -L -c "%a $path" $path; done; touch /new; stat -c "%a new" /new; grep SigIgn /proc/self/status; env | sort`;

test('a pod has nothing of its caller: environment, directory, umask, descriptors, ignored signals', async () => {
  const options = ['--net=none', '--dns=192.0.2.53', '--hosts-entry=192.0.2.1=other'];
  const words = ['run', ...options, 'docker://busybox', '--exec=sh', '--', '-c', look];
  const plain = await world.rkt(...words);
  const hostile = await callHostile(...words);
  const withoutPrefix = (text: string) => text.replace(/^\[.*?\]: /gm, '');
  expect(plain.status).toBe(0);
  expect(withoutPrefix(hostile.stdout)).toBe(withoutPrefix(plain.stdout));
  expect(withoutPrefix(plain.stdout)).toMatch(
    /^0022\n\/\nfds 0 1 2 3\n755 \/\n755 \/etc\n755 \/dev\n755 \/dev\/net\n1777 \/tmp\n/,
  );
  expect(withoutPrefix(plain.stdout)).toContain('644 /etc/hosts\n644 /etc/resolv.conf\n644 new\n');
});

test('users of a pod other than root can use it, whatever the umask of its caller', async () => {
  const script = 'cat /etc/hosts /etc/resolv.conf >/dev/null && id -u && ls / >/dev/null && echo fine';
  const options = ['--net=none', '--dns=192.0.2.53', 'docker://busybox', '--user=1000', '--exec=sh'];
  const result = await callHostile('run', ...options, '--', '-c', script);
  expect(result.stdout).toMatch(/: 1000\n.*: fine\n$/);
});

test('a plugin gets the variables of the specification and PATH', async () => {
  const { status } = await callHostile('run', '--net=spy', 'docker://busybox', '--exec=true');
  expect(status).toBe(0);
  const lines = readFileSync(join(world.directory, 'spy.ADD'), 'utf8').split('\n');
  const shellsOwn = /^(PWD|OLDPWD|SHLVL|_)=/;
  const variables = lines.slice(0, lines.indexOf('umask=0022 cwd=/'));
  const names = variables.filter((line) => !shellsOwn.test(line));
  expect(names.map((line) => line.split('=')[0] ?? '').sort()).toEqual(
    'CNI_ARGS CNI_COMMAND CNI_CONTAINERID CNI_IFNAME CNI_NETNS CNI_PATH CNI_VERSION PATH'.split(' '),
  );
  expect(lines).toContain('CNI_IFNAME=eth0');
  expect(lines).toContain('CNI_ARGS=');
  expect(lines).toContain('PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin');
  expect(lines.slice(variables.length)).toEqual(['umask=0022 cwd=/', '0', '1', '2', '3', '']);
});

test('the app of the fly flavour gets no descriptor of the caller’s', async () => {
  const options = ['--stage1-name=coreos.com/rkt/stage1-fly', '--net=host', 'docker://busybox', '--exec=sh'];
  const result = await callHostile('run', ...options, '--', '-c', 'umask; pwd; ls -l /proc/$$/fd');
  expect(result.stdout).toStartWith('0022\n/\n');
  expect(result.stdout).toContain(' 0 -> ');
  expect(result.stdout).not.toMatch(/shadow|\/open| (7|9|12) -> /);
});

const links: readonly (readonly [title: string, target: string])[] = [
  ['a file', 'victim'],
  ['nothing yet', 'made-by-root'],
];

test.each(links)('--uuid-file-save does not follow a link to %s', async (_, target) => {
  writeFileSync(join(world.directory, 'victim'), 'as it was');
  const planted = join(world.directory, `uuid-${target}`);
  symlinkSync(join(world.directory, target), planted);
  const result = await world.rkt('run', '--net=none', `--uuid-file-save=${planted}`, 'docker://busybox', '--exec=true');
  expect([result.status, result.stderr]).toEqual([
    254,
    expect.stringContaining('it is a link, and links are not followed'),
  ]);
  expect(readFileSync(join(world.directory, 'victim'), 'utf8')).toBe('as it was');
  expect(existsSync(join(world.directory, 'made-by-root'))).toBe(false);
});

test.each([
  ['belongs to another user', 'mkdir PATH && chown 1000 PATH', 'belongs to user 1000'],
  ['everybody may write to', 'mkdir PATH && chmod 1777 PATH', 'everybody may write to it'],
  ['is a link to one of another user', 'mkdir PATH.real && chown 1000 PATH.real && ln -s PATH.real PATH', 'user 1000'],
])('root makes nothing in a data directory that %s', async (title, make, words) => {
  const path = join(world.directory, title.replaceAll(' ', '-'));
  expect((await world.run('sh', '-c', make.replaceAll('PATH', path))).status).toBe(0);
  for (const command of [['run', 'docker://busybox'], ['gc'], ['prepare', 'docker://busybox']]) {
    const result = await world.rkt(`--dir=${path}`, ...command);
    expect([result.status, result.stderr]).toEqual([254, expect.stringContaining(words)]);
  }
  expect((await world.run('sh', '-c', `ls -A ${path}/`)).stdout).toBe('');
});

test('--uuid-file-save replaces the file of an earlier pod', async () => {
  const path = join(world.directory, 'uuid');
  for (let round = 0; round < 2; round++) {
    const { status } = await world.rkt(
      'run',
      '--net=none',
      `--uuid-file-save=${path}`,
      'docker://busybox',
      '--exec=true',
    );
    expect([status, readFileSync(path, 'utf8').length]).toEqual([0, 36]);
  }
});
