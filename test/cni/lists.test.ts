// Lists of plugins as runtimes run them, with Debian's own plugins before and behind ours, and with the real cnitool.
import { afterAll, afterEach, beforeAll, expect, test } from 'bun:test';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type CniVersion, isAtLeast, SUPPORTED_VERSIONS } from '../../src/cni/spec/version.ts';
import { type CniHost, openCniHost } from '../support/host/cni-host.ts';
import { findCnitool } from '../support/host/go-programs.ts';
import { type ListCall, type PluginList, runList } from '../support/host/plugin-list.ts';

let host: CniHost;
beforeAll(async () => {
  host = await openCniHost();
  host.run('host', 'sysctl -qw net.ipv4.ip_forward=1; ip link set lo up; ip addr add 10.9.0.1/32 dev lo');
});
afterAll(() => host.close());

const DUAL = { type: 'calico-ipam', assign_ipv6: 'true' };
const calico = { type: 'calico', ipam: DUAL, capabilities: { ips: true, mac: true } };
const tuning = { type: 'tuning', sysctl: { 'net.core.somaxconn': '500' } };
const bandwidth = { type: 'bandwidth', capabilities: { bandwidth: true } };
const portmap = { type: 'portmap', snat: true, capabilities: { portMappings: true } };
const capabilityArgs = {
  ips: ['192.168.0.50', 'fd80::50'],
  mac: '02:00:00:00:00:50',
  bandwidth: { ingressRate: 8_000_000, ingressBurst: 800_000, egressRate: 8_000_000, egressBurst: 800_000 },
  portMappings: [{ hostPort: 8080, containerPort: 80, protocol: 'tcp' }],
};

/**
 * What Debian's plugins (1.1.1) can check: its portmap asks ip6tables for the rules of IPv4, and its bandwidth ends with a fault where no
 * rate was asked for.
 */
function checked({ plugins, ...list }: PluginList): PluginList {
  return {
    ...list,
    plugins: plugins.filter(
      ({ type, ...own }) => type !== 'portmap' && (type !== 'bandwidth' || 'capabilities' in own),
    ),
  };
}

const listOf = (cniVersion: string, plugins: PluginList['plugins']): PluginList => ({
  cniVersion,
  name: 'network1',
  plugins,
});

async function must(list: PluginList, call: ListCall): Promise<string> {
  const { status, output, errors, type } = await runList(host, list, call);
  expect([status, status === 0 ? '' : `${type}: ${output}${errors}`]).toEqual([0, '']);
  return output;
}

afterEach(async () => {
  await host.context.links.settled?.();
  expect([host.linkNames(), await host.etcd.ctl('get', '--prefix', '--keys-only', '/calico/ipam/v2/handle/')]).toEqual([
    [],
    '',
  ]);
});

/** Debian's plugins speak 1.0.0, and lists came with 0.3.0. */
const LISTED = SUPPORTED_VERSIONS.filter((version) => isAtLeast(version, '0.3.0') && version !== '1.1.0');

test.each(LISTED)('CNI %s: tuning, bandwidth and portmap act on what calico has made', async (version: CniVersion) => {
  const list = listOf(version, [calico, tuning, bandwidth, portmap]);
  const result = JSON.parse(await must(list, { command: 'ADD', capabilityArgs }));
  expect(result.ips.map(({ address }: { address: string }) => address)).toEqual(['192.168.0.50/32', 'fd80::50/128']);
  const [{ name: hostEnd }, { mac }] = result.interfaces;
  expect(mac).toBe(capabilityArgs.mac);
  expect(host.run('pod', 'sysctl -n net.core.somaxconn')).toBe('500');
  expect(host.run('host', `tc qdisc show dev ${hostEnd}`)).toContain('tbf');
  // packets through a published port are on podman's page
  expect(host.run('host', 'iptables -t nat -S')).toContain('--to-destination 192.168.0.50:80');
  if (isAtLeast(version, '0.4.0')) await must(checked(list), { command: 'CHECK', capabilityArgs, previous: result });
  for (const previous of [result, result, undefined]) await must(list, { command: 'DEL', capabilityArgs, previous });
});

test.each(LISTED)('CNI %s: calico behind others hands on what they have made', async (version: CniVersion) => {
  const { capabilities: _, ...idle } = bandwidth;
  const list = listOf(version, [{ type: 'loopback' }, tuning, idle, portmap, calico]);
  const result = JSON.parse(await must(list, { command: 'ADD' }));
  const interfaces = result.interfaces.map(({ name }: { name: string }) => name);
  expect([interfaces[0], interfaces.at(-1)]).toEqual(['lo', 'eth0']);
  const own = result.ips.at(-1);
  expect([result.interfaces[own.interface].name, own.address]).toEqual(['eth0', expect.stringMatching(/^fd80::/)]);
  expect(host.run('pod', 'ping -c 1 -W 2 10.9.0.1 | grep -c " 0% packet loss"')).toBe('1');
  if (isAtLeast(version, '0.4.0')) await must(checked(list), { command: 'CHECK', previous: result });
  await must(list, { command: 'DEL', previous: result });
});

const cnitool = findCnitool();

/** In one shell with a cache of its own, as cnitool keeps results in a folder of the machine's; what it prints, both streams. */
async function typeInto(version: string, commands: readonly string[]): Promise<readonly string[]> {
  const folder = join(host.folder, `net-${version}`);
  mkdirSync(folder, { recursive: true });
  writeFileSync(
    join(folder, 'network1.conflist'),
    JSON.stringify({ cniVersion: version, name: 'network1', plugins: [calico] }),
  );
  const setup = `mkdir -p /var/lib/cni && mount -t tmpfs none /var/lib/cni
export NETCONFPATH=${folder} CNI_PATH=${host.folder}
cnitool() { ${cnitool} "$@"; }`;
  writeFileSync(join(folder, 'typed.sh'), [setup, ...commands].join('\n'));
  const { output } = await host.runBeside(`unshare -m bash ${join(folder, 'typed.sh')} 2>&1`);
  return output.trim().split('\n');
}

test.skipIf(cnitool === undefined).each([...SUPPORTED_VERSIONS])(
  'CNI %s by cnitool, where it can be had',
  async (version) => {
    const printed = await typeInto(version, [
      `cnitool add network1 ${host.podPath} | grep -oE '192.168.[0-9.]+/32'`,
      `cnitool check network1 ${host.podPath} && echo checked`,
      `cnitool status network1 ${host.podPath} && echo ready`,
      `cnitool del network1 ${host.podPath} && cnitool del network1 ${host.podPath} && echo deleted`,
      `cnitool gc network1 ${host.podPath} && echo collected`,
    ]);
    const checked = isAtLeast(version, '0.4.0')
      ? 'checked'
      : expect.stringContaining('does not support the CHECK command');
    expect(printed).toEqual([
      expect.stringMatching(/^192\.168\.0\.\d+\/32$/),
      checked,
      'ready',
      'deleted',
      // of 1.1.0 the plugin is asked, without the list that the specification wants
      isAtLeast(version, '1.1.0') ? expect.stringContaining('GC without cni.dev/valid-attachments') : 'collected',
    ]);
  },
);
