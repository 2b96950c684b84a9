import { expect, test } from 'bun:test';
import { join } from 'node:path';

const MODULE = join(import.meta.dir, '../../src/agent/node/node-files.ts');

/** What the agent takes for the uplinks' MTU on a host with these links: `name mtu up|down`. */
function observe(...links: readonly string[]): string {
  const commands = links.map((link) => {
    const [name, mtu, state] = link.split(' ');
    return `ip link add ${name} mtu ${mtu} type veth peer name p${name}; ip link set p${name} up; ip link set ${name} ${state}`;
  });
  const ask = `${process.execPath} -e 'console.log((await import("${MODULE}")).observeUplinkMtu())'`;
  const script = ['mount -t sysfs none /sys', ...commands, ask].join('\n');
  const { stdout, stderr } = Bun.spawnSync(['unshare', '-n', '-m', 'sh', '-ec', script], { timeout: 20_000 });
  return `${stdout}${stderr}`.trim();
}

const table: readonly (readonly [readonly string[], string])[] = [
  [['eth0 9000 up', 'enp3s0 1400 up', 'wlan0 1350 down', 'cali1 900 up', 'docker0 800 up'], '1400'],
  [['docker0 1500 up', 'eth0 9000 down'], '1460'],
];

test.each(table)('%j: %s', (links, mtu) => {
  expect(observe(...links)).toBe(mtu);
});
