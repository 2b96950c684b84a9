import { expect, test } from 'bun:test';
import { formatIp, parseIp } from '../../net/ip.ts';
import { parseMac } from '../../net/mac.ts';
import { stateOfLinks } from './state.ts';
import { computeStateOfLinks, computeWorkloadsState, type LocalWorkload } from './workload-state.ts';

const mac = parseMac('02:00:00:00:00:01');

function workload(id: string, interfaceName: string, ...addresses: readonly string[]): LocalWorkload {
  return {
    id,
    interfaceName,
    addresses: addresses.map(parseIp),
    floating: [],
    mac,
    bandwidth: {},
    maySpoof: false,
    fromLoopback: [],
    isPartial: false,
  };
}

function routesOf(workloads: readonly LocalWorkload[]): readonly string[] {
  const { routes } = computeWorkloadsState(workloads);
  return [...routes].map(([key, route]) => `${key} ${route.interfaceName}`).sort();
}

test('each address goes through its workload’s link, and has its neighbour there', () => {
  const workloads = [
    workload('default/a', 'cali1', '10.0.0.1', 'fd00::1'),
    { ...workload('default/b', 'cali2', '10.0.0.2'), mac: undefined },
  ];
  expect(routesOf(workloads)).toEqual(['10.0.0.1/32 cali1', '10.0.0.2/32 cali2', 'fd00::1/128 cali1']);
  const { neighbours, links } = computeWorkloadsState(workloads);
  expect(neighbours.map(({ address, interfaceName }) => `${formatIp(address)} ${interfaceName}`)).toEqual([
    '10.0.0.1 cali1',
    'fd00::1 cali1',
  ]);
  expect([...links].map(([name, { settings }]) => [name, ...(settings?.families ?? [])])).toEqual([
    ['cali1', 4, 6],
    ['cali2', 4],
  ]);
});

test('of two that claim an address the first by id has it, in whatever order they come', () => {
  const claims = [workload('default/b', 'cali2', '10.0.0.1'), workload('default/a', 'cali1', '10.0.0.1')];
  expect(routesOf(claims)).toEqual(['10.0.0.1/32 cali1']);
  expect(routesOf(claims.toReversed())).toEqual(['10.0.0.1/32 cali1']);
});

test('of some links there is what they alone want, and not what another has of them', () => {
  const workloads = [
    workload('default/c', 'cali3', '10.0.0.3'),
    workload('default/b', 'cali2', '10.0.0.1', '10.0.0.2'),
    workload('default/a', 'cali1', '10.0.0.1'),
  ];
  const { links, routes, neighbours } = computeStateOfLinks(workloads, new Set(['cali2']));
  expect([[...links.keys()], [...routes.keys()], neighbours.length]).toEqual([['cali2'], ['10.0.0.2/32'], 2]);
  for (const name of ['cali1', 'cali2', 'cali3', 'cali4'])
    expect(computeStateOfLinks(workloads, new Set([name]))).toEqual(
      stateOfLinks(computeWorkloadsState(workloads), new Set([name])),
    );
});
