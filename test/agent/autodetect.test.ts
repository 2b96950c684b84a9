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
    'docker0 172.17.0.1/16',
    'eth0 10.0.0.5/24',
    'eth0 10.0.0.6/24',
    'eth1 192.168.9.5/22',
    'cali123 10.9.9.9/32',
  ]);
  expect(list(6)).toEqual(['eth1 fd00::5/64']);
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
];

test.each(found)('%s, IPv%d: %s', async (text, family, wanted) => {
  expect(await detect(text, family)).toBe(wanted);
});

test('what is not found is said with what there was', async () => {
  await expect(detect('interface=wlan.*', 4)).rejects.toThrow(
    'detect IPv4 address: none by method "interface" among interfaces [docker0, eth0, eth0, eth1, cali123]; set IP to this host\'s address',
  );
  await expect(detect('cidr=fd99::/16', 6)).rejects.toThrow('set IP6 to');
});

test('can-reach: the address that the kernel would speak from', () => {
  const module = join(import.meta.dir, '../../src/agent/node/autodetect.ts');
  const script = `
    const { detectAddress } = await import(${JSON.stringify(module)});
    for (const destination of ['10.77.1.1', '10.0.0.200'])
      console.log((await detectAddress({ kind: 'can-reach', destination }, 4)).interfaceName);`;
  const { stdout, stderr } = withNetns(netns, () =>
    Bun.spawnSync([process.execPath, '-e', script], { timeout: 20_000 }),
  );
  expect(`${stdout}${stderr}`).toBe('eth1\neth0\n');
});
