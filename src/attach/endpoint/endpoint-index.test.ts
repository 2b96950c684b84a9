import { expect, test } from 'bun:test';
import { makeEndpoint } from '../../../test/support/attach/endpoint.ts';
import { createEndpointIndex, type LocalEndpoint } from './endpoint-index.ts';

function endpointOf(containerId: string, interfaceName: string, hostName: string, modRevision = 1): LocalEndpoint {
  const endpoint = makeEndpoint(containerId, interfaceName, hostName);
  return { key: `/${endpoint.metadata.name}`, endpoint, modRevision };
}

const [first, second, other] = [
  endpointOf('c1', 'eth0', 'cali1'),
  endpointOf('c1', 'eth1', 'cali2'),
  endpointOf('c2', 'eth0', 'cali3'),
];

test('endpoints are found by container, interface, link and key, whatever order they came in', () => {
  const index = createEndpointIndex();
  for (const one of [other, second, first]) index.set(one.key, one);
  expect(index.endpoints()).toEqual([first, second, other]);
  expect(index.endpointsOf('c1')).toEqual([first, second]);
  expect(index.findEndpoint({ containerId: 'c1', interfaceName: 'eth1' })).toBe(second);
  expect(index.endpointsAtLink('cali3')).toEqual([other]);
  expect(index.endpointAt(other.key)).toBe(other);
});

test('one that is another now, or has gone, is found as it was no more', () => {
  const index = createEndpointIndex();
  for (const one of [first, other]) index.set(one.key, one);
  const renamed = endpointOf('c1', 'eth0', 'cali9', 2);
  index.set(renamed.key, renamed);
  index.set(other.key, undefined);
  expect(index.endpoints()).toEqual([renamed]);
  expect([index.endpointsAtLink('cali1'), index.endpointsAtLink('cali9')]).toEqual([[], [renamed]]);
  expect([index.endpointsOf('c2'), index.endpointsAtLink('cali3')]).toEqual([[], []]);
  expect(index.endpointAt(other.key)).toBeUndefined();
});
