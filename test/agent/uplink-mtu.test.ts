import { expect, test } from 'bun:test';
import { observeUplinks } from '../../src/kernel/link/uplinks.ts';
import * as libc from '../../src/sys/libc.ts';
import { createNetns, withNetns } from '../../src/sys/netns.ts';

/** The uplinks of a host with these links: `name mtu up|down`. */
function observe(...links: readonly string[]): readonly string[] {
  const commands = links.map((link) => {
    const [name, mtu, state] = link.split(' ');
    return `ip link add ${name} mtu ${mtu} type veth peer name p${name}; ip link set p${name} up; ip link set ${name} ${state}`;
  });
  const netns = createNetns();
  try {
    return withNetns(netns, () => {
      const { exitCode, stderr } = Bun.spawnSync(['sh', '-ec', commands.join('\n')]);
      expect(exitCode, stderr.toString()).toBe(0);
      return observeUplinks().map(({ name, mtuBytes }) => `${name} ${mtuBytes}`);
    });
  } finally {
    libc.close(netns);
  }
}

test.each([
  [
    ['eth0 9000 up', 'enp3s0 1400 up', 'wlan0 1350 down', 'cali1 900 up', 'docker0 800 up'],
    ['enp3s0 1400', 'eth0 9000'],
  ],
  [['docker0 1500 up', 'eth0 9000 down'], []],
])('of %j: %j', (links, uplinks) => {
  expect(observe(...links)).toEqual(uplinks);
});
