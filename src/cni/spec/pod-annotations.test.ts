import { expect, test } from 'bun:test';
import { formatIp } from '../../net/ip.ts';
import { parseConfig } from './config.ts';

/** What is read of a network's file for a pod with these annotations of Calico's, and others. */
function parse(annotations: Readonly<Record<string, string>>) {
  const named = Object.entries(annotations).map(([name, text]) => [`cni.projectcalico.org/${name}`, text]);
  const others = { 'cni.projectcalico.org/podIP': '10.0.0.1/32', 'example.com/owner': 'me' };
  const runtimeConfig = { 'io.kubernetes.cri.pod-annotations': { ...others, ...Object.fromEntries(named) } };
  const ipam = { type: 'calico-ipam', ipv4_pools: ['file4'], ipv6_pools: ['file6'] };
  const config = { cniVersion: '1.0.0', name: 'network1', type: 'calico', ipam, runtimeConfig };
  return parseConfig(JSON.stringify(config), { plugin: 'calico', command: 'ADD', args: new Map() });
}

test("a pod's annotations ask for addresses, a MAC address and pools, those before the file's", () => {
  const result = parse({
    ipAddrs: '["192.168.0.10","fd00::10"]',
    hwAddr: '02:00:00:00:00:10',
    ipv4pools: '["10.1.0.0/16","front"]',
  });
  if (result.kind === 'refused') throw new Error(result.error.details);
  const { workloadArgs, ipam } = result.config;
  expect(workloadArgs.addresses.map(formatIp)).toEqual(['192.168.0.10', 'fd00::10']);
  expect([String(workloadArgs.mac), ipam.ipv4Pools, ipam.ipv6Pools]).toEqual([
    '02:00:00:00:00:10',
    ['10.1.0.0/16', 'front'],
    ['file6'],
  ]);
});

test.each([
  [{ ipAddrs: '192.168.0.10' }, 'ipAddrs"]: found "192.168.0.10", wanted a list of addresses in JSON'],
  [{ ipAddrs: '["192.168.0.300"]' }, 'ipAddrs"]: found "[\\"192.168.0.300\\"]"'],
  [{ ipv6pools: '[1]' }, 'ipv6pools"]: found "[1]"'],
  [{ hwAddr: 'x' }, 'hwAddr"]: found "x"'],
  [{ ipAddrsNoIpam: '["10.0.0.1"]' }, 'ipAddrsNoIpam"]: found'],
  [{ floatingIPs: '[]' }, 'floatingIPs"]: found'],
])('an annotation that cannot be given is refused by its name: %p', (annotations, message) => {
  const result = parse(annotations);
  expect(result.kind === 'refused' ? `${result.error.msg} ${result.error.details}` : '').toContain(message);
});
