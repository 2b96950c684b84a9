// A pod writes to every file of the host that it is given, and the host's files stay as they were.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openWorld, type World } from '../support/host/world.ts';

setDefaultTimeout(60_000);

let world: World;

/** The files of this host that a pod is given, as its own: the machine's are kept out of reach. */
beforeAll(async () => {
  world = await openWorld();
  for (const name of ['hosts', 'resolv.conf']) {
    const path = join(world.directory, name);
    writeFileSync(path, `# the host's ${name}\n`);
    await world.run('mount', '--bind', path, `/etc/${name}`);
  }
  const nodes = 'null:1:3 zero:1:5 full:1:7 random:1:8 urandom:1:9 tty:5:0 net/tun:10:200'.split(' ');
  const made = nodes
    .map((node) => node.split(':'))
    .map(([name, major, minor]) => `mknod -m 666 ${name} c ${major} ${minor}`);
  const prepare = `mount -t tmpfs -o mode=755 tmpfs /dev && mkdir /dev/net && cd /dev && ${made.join(' && ')}`;
  expect(await world.run('/bin/busybox', 'sh', '-ec', prepare)).toMatchObject({ status: 0, stderr: '' });
});
afterAll(() => world.close());

/** What a pod might have changed: contents, modes, owners and times. */
async function hostState(): Promise<string> {
  const attributes =
    'cat /etc/hosts /etc/resolv.conf; hostname; find /dev /etc/hosts /etc/resolv.conf -type c,f -printf "%p %m %U %G %T@\\n"';
  return (await world.run('sh', '-c', attributes)).stdout;
}

const everyCapability = '--caps-retain=CAP_SYS_ADMIN,CAP_DAC_OVERRIDE,CAP_FOWNER,CAP_CHOWN,CAP_MKNOD,CAP_SYS_CHROOT';

const attacks: readonly (readonly [title: string, podOptions: readonly string[], script: string])[] = [
  ['writes to the resolv.conf of --dns=host', ['--dns=host'], 'echo evil >> /etc/resolv.conf; cat /etc/resolv.conf'],
  ['writes to the hosts of --hosts-entry=host', ['--hosts-entry=host'], 'echo evil >> /etc/hosts; cat /etc/hosts'],
  [
    'changes the mode of a device',
    [],
    'chmod 000 /dev/null /dev/zero /dev/full /dev/random /dev/urandom /dev/tty /dev/net/tun',
  ],
  ['changes the owner of a device', [], 'chown 1000:1000 /dev/null /dev/tty /dev/net/tun'],
  ['changes the times of a device', [], 'touch -d 2001-01-01 /dev/null /dev/urandom'],
  ['removes a device', [], 'rm -f /dev/null /dev/urandom; umount /dev/null'],
  ['writes its host name', [], 'echo evil > /etc/hostname; echo evil > /proc/sys/kernel/hostname; hostname evil'],
];

test.each(attacks)('a pod that %s changes nothing of the host', async (_, options, script) => {
  const before = await hostState();
  for (const capabilities of [[], [everyCapability]]) {
    await world.rkt(
      'run',
      '--net=none',
      ...options,
      'docker://busybox',
      '--exec=busybox',
      ...capabilities,
      '--',
      'sh',
      '-c',
      script,
    );
    expect(await hostState()).toBe(before);
  }
});

test('devices of a pod still work', async () => {
  const script =
    'echo x > /dev/null && head -c 4 /dev/urandom | wc -c && head -c 3 /dev/zero | wc -c && (echo x > /dev/full || echo full)';
  const result = await world.rkt('run', '--net=none', 'docker://busybox', '--exec=sh', '--', '-c', script);
  expect(result.status).toBe(0);
  expect(result.stdout).toMatch(/: 4\n.*: 3\n(.*\n)?.*: full\n$/);
});

test.each(['coreos', 'fly'])(
  'the files of --dns=host and --hosts-entry=host say what the host’s said at the start (%s)',
  async (flavour) => {
    const options = [
      '--dns=host',
      '--hosts-entry=host',
      '--net=host',
      `--stage1-name=coreos.com/rkt/stage1-${flavour}`,
    ];
    const script =
      'cat /etc/hosts /etc/resolv.conf; stat -L -c %a:%u:%g /etc/hosts /etc/resolv.conf; echo evil >> /etc/hosts';
    const before = await hostState();
    const result = await world.rkt('run', ...options, 'docker://busybox', '--exec=sh', '--', '-c', script);
    expect(result.stdout.replace(/^\[.*?\]: /gm, '')).toBe(
      "# the host's hosts\n# the host's resolv.conf\n644:0:0\n644:0:0\n",
    );
    expect(await hostState()).toBe(before);
  },
);

test.each([
  ['a pipe', 'mkfifo PATH', 'not a regular file'],
  ['a directory', 'mkdir PATH', 'not a regular file'],
  ['a device', 'mknod PATH c 1 5', 'not a regular file'],
  ['a file without end', 'truncate -s 2G PATH', 'wanted at most 16777216'],
  ['nothing', 'true', 'no such file'],
])('a resolv.conf of the host that is %s is refused at once', async (_, make, expected) => {
  const other = join(world.directory, 'odd');
  const prepare = `rm -rf ${other}; ${make.replace('PATH', other)}; umount /etc/resolv.conf; mkdir -p ${world.directory}/etc; cp -a /etc/passwd /etc/group ${world.directory}/etc; ln -sfn ${other} ${world.directory}/etc/resolv.conf; mount --bind ${world.directory}/etc /etc`;
  expect(await world.run('sh', '-c', prepare)).toMatchObject({ status: 0 });
  try {
    const result = await world.rkt('run', '--net=none', '--dns=host', 'docker://busybox', '--exec=true');
    expect([result.status, result.stderr]).toEqual([254, expect.stringContaining(expected)]);
  } finally {
    await world.run('sh', '-c', `umount /etc; mount --bind ${world.directory}/resolv.conf /etc/resolv.conf`);
  }
});
