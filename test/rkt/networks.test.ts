import { afterEach, beforeEach, expect, setDefaultTimeout, test } from 'bun:test';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openWorld, type Result, type World } from '../support/host/world.ts';

setDefaultTimeout(60_000);

let world: World;
beforeEach(async () => {
  world = await openWorld();
});
afterEach(() => world.close());

function conf(file: string, content: unknown): void {
  writeFileSync(join(world.netDir, file), JSON.stringify(content));
}

function bridge(name: string, subnet: string): unknown {
  return {
    name,
    cniVersion: '0.4.0',
    type: 'bridge',
    bridge: `br-${name}`,
    isGateway: true,
    ipMasq: false,
    ipam: { type: 'host-local', subnet },
  };
}

/** A plugin of the tests' own, in net.d, which writes down how it was called. */
function plugin(name: string, script: string): void {
  const path = join(world.netDir, name);
  writeFileSync(
    path,
    `#!/bin/sh\n{ env | grep ^CNI_ | sort; cat; echo; } >> ${world.directory}/${name}.log\n${script}\n`,
  );
  chmodSync(path, 0o755);
}

async function run(net: string, script: string): Promise<Result> {
  return world.rkt('run', `--net=${net}`, 'docker://busybox', '--exec=sh', '--', '-c', script);
}

async function networks(): Promise<readonly string[]> {
  const listed = await world.rkt('list', '--no-legend', '--full');
  return listed.stdout
    .slice(0, -1)
    .split('\n')
    .map((line) => line.split('\t').at(-1) ?? '');
}

/** What a pod that could not start must not leave: namespaces, host links of pods, addresses, mounts, processes. */
async function expectNothingLeft(): Promise<void> {
  const left = await world.run(
    'sh',
    '-c',
    'ls /run/netns; ip -o link | grep -c veth; find /var/lib/cni -name "[0-9]*.*" ! -name "last*"; grep -c cni- /proc/self/mountinfo',
  );
  expect(left.stdout).toBe('0\n0\n');
}

const containers = (log: string): readonly string[] => [
  ...new Set([...log.matchAll(/^CNI_CONTAINERID=(.*)$/gm)].map((match) => match[1] ?? '')),
];

test('the default network: an address of its part, the default route, and DEL at rm', async () => {
  const result = await run('default', 'ip -o -4 addr show eth0; ip route show default');
  expect(result.stdout).toContain('inet 172.16.28.100/24');
  expect(result.stdout).toContain('default via 172.16.28.1');
  expect(await networks()).toEqual(['default:ip4=172.16.28.100']);
  const [uuid = ''] = readdirSync(join(world.dataDir, 'pods/run'));
  expect((await world.rkt('rm', uuid)).stdout).toBe(`"${uuid}"\n`);
  await expectNothingLeft();
  expect(existsSync(join(world.dataDir, 'pods/exited-garbage', uuid))).toBe(false);
});

test('a named network brings default-restricted, in file order, with the address that was asked for', async () => {
  conf('10-one.conf', bridge('one', '10.99.1.0/24'));
  const result = await run(
    'one:IgnoreUnknown=1;IP=10.99.1.42',
    'ip -o -4 addr show eth0; ip -o -4 addr show eth1; ip route show default',
  );
  expect(result.status).toBe(0);
  expect(result.stdout).toContain('inet 10.99.1.42/24');
  expect(result.stdout).toContain('inet 172.16.28.2/25');
  expect(result.stdout).not.toContain('default via');
  expect(await networks()).toEqual(['one:ip4=10.99.1.42, default-restricted:ip4=172.16.28.2']);
  const json = JSON.parse((await world.rkt('list', '--format=json')).stdout);
  expect(json[0].networks[0]).toEqual({
    netName: 'one',
    netConf: 'net/10-one.conf',
    pluginPath: '/usr/lib/cni/bridge',
    ifName: 'eth0',
    ip: '10.99.1.42',
    args: 'IgnoreUnknown=1;IP=10.99.1.42',
    mask: '255.255.255.0',
  });
  expect((await world.rkt('gc', '--grace-period=0s')).status).toBe(0);
  const left = await world.run('sh', '-c', 'ls /run/netns; find /var/lib/cni -name "[0-9]*.*"');
  expect(left.stdout).toBe('');
});

test.each(['all', 'default,default-restricted'])('--net=%s joins both of rkt’s own networks', async (net) => {
  const script = 'ip -o -4 addr show eth0; ip -o -4 addr show eth1; ip route get 172.16.28.101; ip route get 10.55.0.1';
  const result = await run(net, script);
  expect([result.status, result.stderr]).toEqual([0, '']);
  expect(result.stdout).toContain('inet 172.16.28.2/25');
  expect(result.stdout).toContain('inet 172.16.28.100/24');
  expect(result.stdout).toContain('172.16.28.101 via 172.16.28.1 dev eth1');
  expect(result.stdout).toContain('10.55.0.1 via 172.16.28.1 dev eth1');
  expect(await networks()).toEqual(['default-restricted:ip4=172.16.28.2, default:ip4=172.16.28.100']);
  expect((await world.rkt('gc', '--grace-period=0s')).status).toBe(0);
  await expectNothingLeft();
});

test('two pods talk over a network', async () => {
  conf('10-one.conf', bridge('one', '10.99.1.0/24'));
  const words = ['run', '--net=one:IgnoreUnknown=1;IP=10.99.1.2', 'docker://busybox', '--exec=sh', '--'];
  const server = world.start(...words, '-c', 'echo ready; echo hello | nc -l -p 80');
  await server.printed('ready');
  const client = await run('one', 'sleep 0.2; nc 10.99.1.2 80 < /dev/null');
  expect(client.stdout).toContain(']: hello\n');
  expect((await server.ended).status).toBe(0);
});

test('the same address twice is refused with the plugin’s words', async () => {
  expect((await run('default:IP=172.16.28.123', 'true')).status).toBe(0);
  const second = await run('default:IP=172.16.28.123', 'true');
  expect(second.status).toBe(254);
  expect(second.stdout).toBe('');
  expect(second.stderr).toMatch(
    /^stage1: failed to setup network: error adding network "default": .*requested IP address 172\.16\.28\.123 is not available.*\n$/,
  );
});

test.each([
  [
    'x,y',
    () => {},
    'stage1: failed to setup network: networks not found: x, y; there are default-restricted, default\n',
  ],
  [
    'broken',
    () => writeFileSync(join(world.netDir, '50-broken.conf'), '{ "name": '),
    'stage1: failed to setup network: error loading NETD/50-broken.conf: is not JSON\n',
  ],
  [
    'noplugin',
    () => conf('50-noplugin.conf', { name: 'noplugin', type: 'not-there' }),
    'stage1: failed to setup network: error adding network "noplugin": Could not find plugin "not-there": install it in one of NETD, /usr/lib/rkt/plugins/net, /opt/cni/bin, /usr/lib/cni\n',
  ],
  [
    'failing',
    () => {
      conf('50-failing.conf', { name: 'failing', type: 'fail' });
      plugin('fail', `echo '{"cniVersion":"0.1.0","code":7,"msg":"no","details":"because"}'; exit 1`);
    },
    'stage1: failed to setup network: error adding network "failing": no; because\n',
  ],
  [
    'crashing',
    () => {
      conf('50-crashing.conf', { name: 'crashing', type: 'crash' });
      plugin('crash', `[ $CNI_COMMAND = DEL ] && exit; echo panic; exit 2`);
    },
    'stage1: failed to setup network: error adding network "crashing": netplugin failed but error parsing its diagnostic message "panic"\n',
  ],
])('--net=%s fails in one line and leaves nothing', async (net, prepare, words) => {
  prepare();
  const result = await run(net, 'true');
  const lines = result.stderr.split('\n').filter((line) => !line.startsWith('networking: error deleting'));
  expect([result.status, result.stdout, lines.join('\n')]).toEqual([254, '', words.replace('NETD', world.netDir)]);
  await expectNothingLeftButFailing();
});

async function expectNothingLeftButFailing(): Promise<void> {
  await expectNothingLeft();
  expect((await world.rkt('list', '--no-legend')).stdout).toMatch(/^[0-9a-f]{8}\tbusybox\t\S+\texited\tnow\t\t\n$/);
}

test('a network that fails takes the earlier ones down again', async () => {
  conf('10-one.conf', bridge('one', '10.99.1.0/24'));
  conf('50-failing.conf', { name: 'failing', type: 'fail' });
  plugin('fail', `[ $CNI_COMMAND = DEL ] && exit; echo '{"code":7,"msg":"no"}'; exit 1`);
  const result = await run('one,failing', 'true');
  expect([result.status, result.stderr]).toEqual([
    254,
    'stage1: failed to setup network: error adding network "failing": no\n',
  ]);
  expect(await networks()).toEqual(['']);
  await expectNothingLeft();
});

test('plugins get the configuration as it is, and the environment that rkt gave them', async () => {
  const text = '{"name":"own",  "type":"log","odd":[1]}';
  writeFileSync(join(world.netDir, '10-own.conf'), text);
  plugin(
    'log',
    `[ $CNI_COMMAND = DEL ] && exit; echo '{"ip4":{"ip":"1.2.3.4/24"},"dns":{"nameservers":["9.9.9.9"],"search":["a"]}}'`,
  );
  const result = await run('own:A=1;B=2', 'cat /etc/resolv.conf');
  expect(result.stdout).toContain('# Generated by rkt from network own');
  expect(result.stdout).toContain('nameserver 9.9.9.9');
  const [uuid = ''] = readdirSync(join(world.dataDir, 'pods/run'));
  await world.rkt('rm', uuid);
  const log = readFileSync(join(world.directory, 'log.log'), 'utf8');
  const called = (command: string) =>
    [
      'CNI_ARGS=A=1;B=2',
      `CNI_COMMAND=${command}`,
      `CNI_CONTAINERID=${uuid}`,
      'CNI_IFNAME=eth0',
      `CNI_NETNS=/var/run/netns/cni-${uuid}`,
      `CNI_PATH=${world.netDir}:/usr/lib/rkt/plugins/net:/opt/cni/bin:/usr/lib/cni`,
      'CNI_VERSION=0.1.0',
      `${text}\n`,
    ].join('\n');
  expect(log).toBe(called('ADD') + called('DEL'));
});

test('plugins of a list run in order with the result of the one before, and backwards at the end', async () => {
  conf('10-chain.conflist', {
    name: 'chain',
    cniVersion: '1.0.0',
    plugins: [{ type: 'first', x: 1 }, { type: 'second' }],
  });
  plugin(
    'first',
    `echo '{"cniVersion":"1.0.0","ips":[{"address":"1.2.3.4/24"}]}'; echo first >> ${world.directory}/order`,
  );
  plugin(
    'second',
    `echo '{"cniVersion":"1.0.0","ips":[{"address":"1.2.3.5/24"}]}'; echo second >> ${world.directory}/order`,
  );
  expect((await run('chain', 'true')).status).toBe(0);
  expect(await networks()).toEqual(['chain:ip4=1.2.3.5, default-restricted:ip4=172.16.28.2']);
  expect((await world.rkt('gc', '--grace-period=0s')).status).toBe(0);
  expect(readFileSync(join(world.directory, 'order'), 'utf8')).toBe('first\nsecond\nsecond\nfirst\n');
  const second = readFileSync(join(world.directory, 'second.log'), 'utf8');
  expect(second).toContain(
    '{"type":"second","name":"chain","cniVersion":"1.0.0","prevResult":{"cniVersion":"1.0.0","ips":[{"address":"1.2.3.4/24"}]}}',
  );
});

test('after a reboot, without namespaces and mounts, gc still tells the plugins', async () => {
  conf('10-own.conf', { name: 'own', type: 'log' });
  plugin('log', `[ $CNI_COMMAND = DEL ] && exit; echo '{}'`);
  expect((await run('own', 'true')).status).toBe(0);
  await world.run(
    'sh',
    '-c',
    'umount /run/netns/cni-*; rm -rf /run/netns/cni-*; ip -o link | grep -o "veth[0-9a-f]*" | xargs -rn1 ip link del',
  );
  const gc = await world.rkt('gc', '--grace-period=0s');
  expect(gc.status).toBe(0);
  const log = readFileSync(join(world.directory, 'log.log'), 'utf8');
  expect([...log.matchAll(/^CNI_(?:COMMAND|NETNS)=.*$/gm)].map(String).slice(2)).toEqual([
    'CNI_COMMAND=DEL',
    'CNI_NETNS=',
  ]);
  expect(containers(log).length).toBe(1);
  expect((await world.rkt('list', '--no-legend')).stdout).toBe('\n');
  expect((await world.run('find', '/var/lib/cni', '-name', '172.*')).stdout).toBe('');
});

test('a pod whose networks cannot be deleted is kept, says so, and goes once they can', async () => {
  conf('10-own.conf', { name: 'own', type: 'stubborn' });
  const refusing = join(world.directory, 'refuse');
  writeFileSync(refusing, '');
  plugin(
    'stubborn',
    `[ $CNI_COMMAND = ADD ] && { echo '{}'; exit; }; [ ! -e ${refusing} ] || { echo '{"code":1,"msg":"not now"}'; exit 1; }`,
  );
  expect((await run('own', 'true')).status).toBe(0);
  const [uuid = ''] = readdirSync(join(world.dataDir, 'pods/run'));
  const refused = await world.rkt('rm', uuid);
  expect([refused.status, refused.stdout, refused.stderr]).toEqual([
    254,
    '',
    `rm: pod "${uuid}" is kept until its networks can be deleted: error deleting "own": not now\nrm: failed to remove one or more pods\n`,
  ]);
  // The other network has gone already, and is not deleted twice.
  expect(readFileSync(join(world.dataDir, 'pods/exited-garbage', uuid, 'net-info.json'), 'utf8')).not.toContain(
    'default-restricted',
  );
  rmSync(refusing);
  expect((await world.rkt('gc', '--grace-period=0s')).status).toBe(0);
  expect(existsSync(join(world.dataDir, 'pods/exited-garbage', uuid))).toBe(false);
});

test('none has loopback only, host shares the host’s network', async () => {
  const none = await run('none', 'ip -o link | wc -l; ip -o addr show lo | head -n 1 | cut -d" " -f2-8');
  expect(none.stdout).toMatch(/\]: 1\n.*\]: lo {4}inet 127\.0\.0\.1\/8/);
  await world.run('ip', 'link', 'add', 'hostlink', 'type', 'dummy');
  const host = await run('host', 'ip link show hostlink');
  expect(host.stdout).toContain('hostlink');
  expect((await world.rkt('status', readdirSync(join(world.dataDir, 'pods/run'))[0] ?? '')).stdout).toContain(
    'networks=\n',
  );
});

test('namespaces mounted later appear where the directory was given before', async () => {
  mkdirSync(join(world.directory, 'marker'));
  const words = [
    'run',
    '--net=host',
    '--volume=n,kind=host,source=/var/run/netns',
    '--stage1-name=coreos.com/rkt/stage1-fly',
  ];
  const app = [
    'docker://busybox',
    '--mount=volume=n,target=/netns',
    '--exec=sh',
    '--',
    '-c',
    'echo up; while ! ls /netns | grep -q cni-; do sleep 0.05; done; sleep 0.2; wc -c < /netns/cni-*; cut -d" " -f9 /proc/self/mountinfo | grep -c nsfs; grep -c nsfs /proc/self/mounts',
  ];
  const watcher = world.start(...words, ...app);
  await watcher.printed('up');
  expect((await run('none', 'true')).status).toBe(0);
  expect((await watcher.ended).stdout).toEndWith('1\n');
});
