import { expect, test } from 'bun:test';
import { cidrContains, parseCidr } from '../net/cidr.ts';
import { parseIp } from '../net/ip.ts';
import { computeLabPlan, MAX_NODES, parseLabName, parseNodeCount, printHostsFile, SERVICES_ADDRESS } from './plan.ts';

test.each(['a', '7', 'lab-1', 'a--b', 'x'.repeat(32)])('"%s" may name a lab', (name) => {
  expect(parseLabName(name)).toBe(name);
});

test.each(['', '-a', 'a-', 'A', 'a_b', 'a b', '../a', 'a/b', 'x'.repeat(33)])('"%s" may not', (name) => {
  expect(() => parseLabName(name)).toThrow(
    `lab name "${name}": 1 to 32 lower-case letters, digits and inner dashes wanted`,
  );
});

test('a lab has 1 to 99 hosts', () => {
  expect(['1', '01', '99'].map(parseNodeCount)).toEqual([1, 1, MAX_NODES]);
  for (const text of ['', '0', '00', '100', '-1', '2.5', 'two', ' 2'])
    expect(() => parseNodeCount(text)).toThrow(`number of hosts "${text}": 1 to 99 wanted`);
});

test('hosts are named and numbered from 1, beside the services', () => {
  expect(computeLabPlan('x', 2)).toEqual({
    name: 'x',
    nodes: [
      { name: 'calico-01', address: '10.99.0.1' },
      { name: 'calico-02', address: '10.99.0.2' },
    ],
  });
  const { nodes } = computeLabPlan('x', MAX_NODES);
  const addresses = [...nodes.map(({ address }) => address), SERVICES_ADDRESS];
  expect(nodes.at(-1)).toEqual({ name: 'calico-99', address: '10.99.0.99' });
  expect(new Set(addresses).size).toBe(MAX_NODES + 1);
  expect(addresses.every((address) => cidrContains(parseCidr('10.99.0.0/24'), parseIp(address)))).toBe(true);
});

test('every host knows all of them by name', () => {
  expect(printHostsFile(computeLabPlan('x', 2))).toBe(`127.0.0.1 localhost
::1 localhost ip6-localhost
10.99.0.1 calico-01
10.99.0.2 calico-02
10.99.0.254 underlay
`);
});
