import { expect, test } from 'bun:test';
import { type ModelPacket, runPacket } from '../../../test/support/nftables/packet-model.ts';
import { type Ip, parseIp } from '../../net/ip.ts';
import { defaultFirewallConfig } from '../config.ts';
import { createFirewall } from '../firewall.ts';

const NO_VXLAN = { ends: [], port: 0, externals: [] };
const HOSTS = ['10.0.0.2', '10.0.0.3'].map(parseIp);

function firewallWith(hosts: readonly Ip[] | undefined) {
  const firewall = createFirewall(defaultFirewallConfig);
  firewall.setVxlan(NO_VXLAN, [], hosts);
  return firewall;
}

function verdictOf(firewall: ReturnType<typeof firewallWith>, source: string, protocol = 4): string {
  const ends = { source: parseIp(source), destination: parseIp('10.0.0.1') };
  const packet: ModelPacket = { iifname: 'eth0', oifname: '', ...ends, protocol, sport: 0, dport: 0, type: 0, code: 0 };
  return runPacket(firewall.ruleset, 'base-ipip-input', packet).verdict;
}

test('IP-in-IP is taken from hosts of the cluster alone; other protocols are nobody’s concern', () => {
  const firewall = firewallWith(HOSTS);
  expect(verdictOf(firewall, '10.0.0.2')).toBe('accept');
  expect(verdictOf(firewall, '10.0.0.9')).toBe('drop');
  expect(verdictOf(firewall, '10.0.0.9', 6)).toBe('accept');
});

test('IP-in-IP that this host forwards gets to hosts of the cluster from others of these alone', () => {
  const firewall = firewallWith(HOSTS);
  const verdict = (source: string, destination: string) => {
    const ends = { source: parseIp(source), destination: parseIp(destination) };
    const packet = { iifname: 'veth0', oifname: 'eth0', ...ends, protocol: 4, sport: 0, dport: 0, type: 0, code: 0 };
    return runPacket(firewall.ruleset, 'base-ipip-forward', packet).verdict;
  };
  expect(verdict('10.0.0.2', '10.0.0.3')).toBe('accept');
  expect(verdict('172.16.28.100', '10.0.0.3')).toBe('drop');
  expect(verdict('172.16.28.100', '10.0.0.9')).toBe('accept');
});

test('hosts come and go as single elements, and without an end nothing of it is there', () => {
  const firewall = firewallWith(HOSTS.slice(0, 1));
  const more = firewall.setVxlan(NO_VXLAN, [], HOSTS);
  expect(more.flat().map(({ kind }) => kind)).toEqual(['add-elements']);
  expect(verdictOf(firewall, '10.0.0.3')).toBe('accept');
  firewall.setConfig({ ...defaultFirewallConfig, denyAction: 'reject' });
  expect(verdictOf(firewall, '10.0.0.3')).toBe('accept');
  firewall.setVxlan(NO_VXLAN, [], undefined);
  const left = [...firewall.ruleset.chains.keys(), ...firewall.ruleset.sets.keys()].filter((name) =>
    /^(base-)?ipip/.test(name),
  );
  expect(left).toEqual([]);
});
