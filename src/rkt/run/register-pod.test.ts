import { expect, test } from 'bun:test';
import { chooseWay } from './register-pod.ts';

const isOwn = (address: string): boolean => ['172.16.28.99', '172.16.28.1', '10.99.0.1'].includes(address);
const restricted = { name: 'default-restricted', address: '172.16.28.2', gateway: '172.16.28.99' };
const open = { name: 'default', address: '172.16.28.100', gateway: '172.16.28.1' };
const bridge = { name: 'red', address: '10.99.0.2', gateway: '10.99.0.1' };
const calico = { name: 'network1', address: '192.168.0.0', gateway: undefined };
const macvlan = { name: 'lan', address: '192.0.2.7', gateway: '192.0.2.1' };

test.each([
  [[calico, restricted], { host: '172.16.28.99', pod: '172.16.28.2' }],
  [[bridge, open, restricted], { host: '172.16.28.99', pod: '172.16.28.2' }],
  [[macvlan, open], { host: '172.16.28.1', pod: '172.16.28.100' }],
  [[bridge], { host: '10.99.0.1', pod: '10.99.0.2' }],
])('%# a pod asks by a network whose gateway is its host', (networks, way) => {
  expect(chooseWay(networks, isOwn)).toEqual(way);
});

test('where no network leads to the host the pod is not registered, and told what to do', () => {
  expect(() => chooseWay([calico, macvlan], isOwn)).toThrow(
    'none of its networks leads to this host, add default-restricted',
  );
});
