import { afterAll, beforeAll, expect, test } from 'bun:test';
import { join } from 'node:path';
import { type DetectionMethod, parseAgentSettings } from '../../src/agent/config/settings.ts';
import { detectAddress, observeHostAddresses } from '../../src/agent/node/autodetect.ts';
import { formatCidr } from '../../src/net/cidr.ts';
import * as libc from '../../src/sys/libc.ts';
import { createNetns, withNetns } from '../../src/sys/netns.ts';

const HOST = `
  ip link set lo up
  ip address add 10.5.0.1/32 dev lo
  for name in docker0 eth0 eth1 cali123; do ip link add $name type veth peer name p-$name; done
  ip address add 172.17.0.1/16 dev docker0
  ip address add 10.0.0.5/24 dev eth0
  ip address add 10.0.0.6/24 dev eth0
  ip address add 169.254.7.7/16 dev eth1
  ip address add 192.168.9.5/22 dev eth1
  ip address add fd00::5/64 dev eth1 nodad
  ip address add fd01::99/64 dev eth0 nodad preferred_lft 0
  ip address add fd02::1/128 dev lo
  ip address add 10.9.9.9/32 dev cali123
  for name in docker0 eth0 eth1 cali123; do ip link set p-$name up; ip link set $name up; done
  ip route add 10.77.0.0/16 via 192.168.8.1`;

let netns: number;
beforeAll(() => {
  netns = createNetns();
  const { stderr, exitCode } = withNetns(netns, () => Bun.spawnSync(['sh', '-ec', HOST]));
  if (exitCode !== 0) throw new Error(stderr.toString());
});
afterAll(() => libc.close(netns));

const methodOf = (text: string): DetectionMethod => parseAgentSettings({ IP_AUTODETECTION_METHOD: text }).ipv4Method;

/** All but can-reach look without waiting, so that they can be asked from inside the namespace. */
async function detect(text: string, family: 4 | 6): Promise<string> {
  const { interfaceName, cidr } = await withNetns(netns, () => detectAddress(methodOf(text), family));
  return `${interfaceName} ${formatCidr(cidr)}`;
}

test('addresses of the host that others may know, in the order of the kernel', () => {
  const list = (family: 4 | 6) =>
    withNetns(netns, () => observeHostAddresses(family)).map(
      ({ interfaceName, cidr }) => `${interfaceName} ${formatCidr(cidr)}`,
    );
  expect(list(4)).toEqual([
    'lo 10.5.0.1/32',
    'docker0 172.17.0.1/16',
    'eth0 10.0.0.5/24',
    'eth0 10.0.0.6/24',
    'eth1 192.168.9.5/22',
    'cali123 10.9.9.9/32',
  ]);
  expect(list(6)).toEqual(['lo fd02::1/128', 'eth0 fd01::99/64', 'eth1 fd00::5/64']);
});

const found: readonly (readonly [string, 4 | 6, string])[] = [
  ['first-found', 4, 'eth0 10.0.0.5/24'],
  ['first-found', 6, 'eth1 fd00::5/64'],
  ['interface=eth1', 4, 'eth1 192.168.9.5/22'],
  ['interface=^docker', 4, 'docker0 172.17.0.1/16'],
  ['skip-interface=eth0,docker.*', 4, 'eth1 192.168.9.5/22'],
  ['skip-interface=wlan0', 4, 'eth0 10.0.0.5/24'],
  ['cidr=192.168.0.0/16', 4, 'eth1 192.168.9.5/22'],
  ['cidr=10.0.0.6/32', 4, 'eth0 10.0.0.6/24'],
  ['cidr=10.5.0.0/16', 4, 'lo 10.5.0.1/32'],
  ['cidr=fd02::/16', 6, 'lo fd02::1/128'],
  ['interface=^lo$', 4, 'lo 10.5.0.1/32'],
  ['interface=eth0', 6, 'eth0 fd01::99/64'],
];

test.each(found)('%s, IPv%d: %s', async (text, family, wanted) => {
  expect(await detect(text, family)).toBe(wanted);
});

test('what is not found is said with what there was', async () => {
  await expect(detect('interface=wlan.*', 4)).rejects.toThrow(
    'detect IPv4 address: none by method "interface" among interfaces [lo, docker0, eth0, eth1, cali123]; set IP to this host\'s address, or to "none"',
  );
  await expect(detect('cidr=fd99::/16', 6)).rejects.toThrow('set IP6 to');
});

test('an address that may be another host’s is none, until that is known; nor is one of an interface that is down', async () => {
  const must = (command: string) => {
    const { stderr, exitCode } = withNetns(netns, () => Bun.spawnSync(['sh', '-ec', command]));
    if (exitCode !== 0) throw new Error(stderr.toString());
  };
  must(`ip link add late type veth peer name p-late; ip link set p-late up; ip link set late up
    ip -6 address add fd03::1/64 dev late; ip address add 10.3.0.1/24 dev late`);
  await expect(detect('interface=late', 6)).rejects.toThrow('none by method "interface"');
  for (let tries = 0; tries < 50 && withNetns(netns, () => observeHostAddresses(6)).length < 4; tries++)
    await Bun.sleep(100);
  expect(await detect('interface=late', 6)).toBe('late fd03::1/64');
  must('ip link set late down');
  await expect(detect('interface=late', 4)).rejects.toThrow('none by method "interface"');
  must('ip link del late');
});

/** The interfaces that are found by this in the namespace, or why none is. */
function reach(family: 4 | 6, ...destinations: readonly string[]): string {
  const module = join(import.meta.dir, '../../src/agent/node/autodetect.ts');
  const script = `
    const { detectAddress } = await import(${JSON.stringify(module)});
    for (const destination of ${JSON.stringify(destinations)})
      console.log(await detectAddress({ kind: 'can-reach', destination }, ${family})
        .then(({ interfaceName }) => interfaceName, (error) => error.code + ': ' + error.message));`;
  const { stdout, stderr } = withNetns(netns, () =>
    Bun.spawnSync([process.execPath, '-e', script], { timeout: 20_000 }),
  );
  return `${stdout}${stderr}`;
}

test('can-reach: the address that the kernel would speak from, also one that no link but lo has', () => {
  const { exitCode } = withNetns(netns, () =>
    Bun.spawnSync(['ip', 'route', 'add', '10.78.0.0/16', 'via', '192.168.8.1', 'src', '10.5.0.1']),
  );
  expect(exitCode).toBe(0);
  expect(reach(4, '10.77.1.1', '10.0.0.200', '10.78.1.1')).toBe('eth1\neth0\nlo\n');
  expect(reach(6, 'fd00::77')).toBe('eth1\n');
});

test('can-reach: where there is no way, or no such name, that is said', () => {
  expect(reach(4, '8.8.8.8', 'no.such.host.invalid')).toBe(
    'not-found: detect IPv4 address: can-reach=8.8.8.8: no such host, or no way there\n' +
      'not-found: detect IPv4 address: can-reach=no.such.host.invalid: no such host, or no way there\n',
  );
});
