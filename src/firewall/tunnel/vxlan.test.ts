import { expect, test } from 'bun:test';
import { type ModelPacket, runPacket } from '../../../test/support/nftables/packet-model.ts';
import { parseCidr } from '../../net/cidr.ts';
import { type Ip, parseIp } from '../../net/ip.ts';
import { defaultFirewallConfig } from '../config.ts';
import { createFirewall } from '../firewall.ts';
import type { VxlanGuard } from './vxlan.ts';

const PORT = 4789;
const BOTH: VxlanGuard = {
  ends: [
    { family: 4, interfaceName: 'vxlan.calico', address: parseIp('192.168.0.1') },
    { family: 6, interfaceName: 'vxlan-v6.calico', address: parseIp('fd99::1') },
  ],
  port: PORT,
  externals: [parseCidr('10.9.0.0/16'), parseCidr('fd09::1/128')],
};
const HOSTS = [parseIp('10.0.0.2'), parseIp('fd00::2')];

function firewallWith(guard: VxlanGuard, hosts: readonly Ip[]) {
  const firewall = createFirewall(defaultFirewallConfig);
  firewall.setVxlan(guard, hosts);
  return firewall;
}

function from(source: string, port = PORT): ModelPacket {
  const own = source.includes(':') ? 'fd00::1' : '10.0.0.1';
  const ends = { source: parseIp(source), destination: parseIp(own) };
  return { iifname: 'eth0', oifname: '', ...ends, protocol: 17, sport: 40_000, dport: port, type: 0, code: 0 };
}

const verdictOf = (firewall: ReturnType<typeof firewallWith>, packet: ModelPacket) =>
  runPacket(firewall.ruleset, 'base-vxlan-input', packet).verdict;

test.each([
  ['10.0.0.2', 'accept'],
  ['fd00::2', 'accept'],
  ['10.9.7.7', 'accept'],
  ['fd09::1', 'accept'],
  ['10.0.0.3', 'drop'],
  ['fd00::3', 'drop'],
  ['fd09::2', 'drop'],
] as const)('VXLAN from %s: %s', (source, verdict) => {
  expect(verdictOf(firewallWith(BOTH, HOSTS), from(source))).toBe(verdict);
});

test('other ports are nobody’s concern, and a family without an end is not either', () => {
  expect(verdictOf(firewallWith(BOTH, HOSTS), from('10.0.0.3', 4790))).toBe('accept');
  expect(verdictOf(firewallWith({ ...BOTH, ends: BOTH.ends.slice(0, 1) }, HOSTS), from('fd00::3'))).toBe('accept');
});

test.each([
  ['172.16.28.100', '10.0.0.2', 'drop'],
  ['172.16.28.100', '10.0.0.3', 'accept'],
  ['10.0.0.4', '10.0.0.2', 'accept'],
  ['10.9.7.7', '10.0.0.2', 'accept'],
  ['fd00:7::1', 'fd00::2', 'drop'],
  ['fd00:7::1', 'fd00::3', 'accept'],
] as const)('VXLAN that this host forwards from %s to %s: %s', (source, destination, verdict) => {
  const firewall = firewallWith(BOTH, [...HOSTS, parseIp('10.0.0.4')]);
  const packet = { ...from(source), destination: parseIp(destination), oifname: 'eth0' };
  expect(runPacket(firewall.ruleset, 'base-vxlan-raw-in', packet).verdict).toBe(verdict);
});

test('hosts come and go as single elements, and without an end nothing of it is there', () => {
  const firewall = firewallWith(BOTH, HOSTS);
  const more = firewall.setVxlan(BOTH, [...HOSTS, parseIp('10.0.0.3')]);
  expect(more.flat().map(({ kind }) => kind)).toEqual(['add-elements']);
  expect(verdictOf(firewall, from('10.0.0.3'))).toBe('accept');
  const fewer = firewall.setVxlan(BOTH, [parseIp('10.0.0.3')]);
  expect(fewer.flat().map(({ kind }) => kind)).toEqual(['delete-elements', 'delete-elements']);
  expect(verdictOf(firewall, from('10.0.0.2'))).toBe('drop');
  firewall.setVxlan({ ends: [], port: 0, externals: [] }, []);
  const left = [...firewall.ruleset.chains.keys(), ...firewall.ruleset.sets.keys()].filter((name) =>
    name.includes('vxlan'),
  );
  expect(left).toEqual([]);
});

test('rules that are built anew by another configuration keep it', () => {
  const firewall = firewallWith(BOTH, HOSTS);
  firewall.setConfig({ ...defaultFirewallConfig, denyAction: 'reject' });
  expect([...firewall.ruleset.chains.keys()].filter((name) => name.includes('vxlan'))).toHaveLength(4);
  expect(verdictOf(firewall, from('10.0.0.2'))).toBe('accept');
});
