import { expect, test } from 'bun:test';
import type { FelixConfiguration } from '../../model/felix/felix-configuration.ts';
import { API_VERSION } from '../../model/meta/resource.ts';
import type { Node } from '../../model/node/node.ts';
import { findScoped } from './scoped-settings.ts';

const node: Node = {
  kind: 'Node',
  apiVersion: API_VERSION,
  metadata: { name: 'host-1', labels: { role: 'gpu' } },
  spec: {},
};

function configuration(
  name: string,
  nodeSelector: string | undefined,
  creationTimestamp = '2026-01-02T00:00:00Z',
): FelixConfiguration {
  const spec = nodeSelector === undefined ? {} : { nodeSelector };
  return { kind: 'FelixConfiguration', apiVersion: API_VERSION, metadata: { name, creationTimestamp }, spec };
}

test('the oldest that selects the node counts, of those of one age the first by name', () => {
  const others = [configuration('a', undefined), configuration('b', `role == 'storage'`)];
  expect(findScoped(others, node)).toBeUndefined();
  const all = [...others, configuration('d', 'has(role)'), configuration('c', `role == 'gpu'`)];
  expect(findScoped(all, node)?.metadata.name).toBe('c');
  const older = configuration('z', 'all()', '2026-01-01T00:00:00Z');
  expect(findScoped([...all, older], node)?.metadata.name).toBe('z');
  expect(findScoped(all, undefined)).toBeUndefined();
});
