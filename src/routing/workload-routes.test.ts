import { expect, test } from 'bun:test';
import { parseIp } from '../net/ip.ts';
import { computeWorkloadRoutes, type LocalWorkload } from './workload-routes.ts';

function workload(id: string, interfaceName: string, ...addresses: readonly string[]): LocalWorkload {
  return { id, interfaceName, addresses: addresses.map(parseIp) };
}

function words(workloads: readonly LocalWorkload[]): readonly string[] {
  return [...computeWorkloadRoutes(workloads)].map(([key, route]) => `${key} ${route.interfaceName}`).sort();
}

test('each address goes through its workload’s link', () => {
  expect(
    words([workload('default/a', 'cali1', '10.0.0.1', 'fd00::1'), workload('default/b', 'cali2', '10.0.0.2')]),
  ).toEqual(['10.0.0.1/32 cali1', '10.0.0.2/32 cali2', 'fd00::1/128 cali1']);
});

test('of two that claim an address the first by id has it, in whatever order they come', () => {
  const claims = [workload('default/b', 'cali2', '10.0.0.1'), workload('default/a', 'cali1', '10.0.0.1')];
  expect(words(claims)).toEqual(['10.0.0.1/32 cali1']);
  expect(words(claims.toReversed())).toEqual(['10.0.0.1/32 cali1']);
});
