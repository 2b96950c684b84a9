import { expect, test } from 'bun:test';
import { API_VERSION } from '../meta/resource.ts';
import type { FelixConfiguration, FelixConfigurationSpec } from './felix-configuration.ts';
import { computeNodeSettings } from './settings-for-node.ts';

const labels = { role: 'gpu' };

function configuration(name: string, spec: FelixConfigurationSpec, created = '2026-01-02T00:00:00Z') {
  const metadata = { name, creationTimestamp: created };
  return { kind: 'FelixConfiguration', apiVersion: API_VERSION, metadata, spec } satisfies FelixConfiguration;
}

/** Says by a setting which one it is. */
const selecting = (name: string, nodeSelector?: string, created?: string) =>
  configuration(name, { logPrefix: name, ...(nodeSelector === undefined ? {} : { nodeSelector }) }, created);

function settingsOf(all: readonly FelixConfiguration[], known: typeof labels | undefined) {
  return computeNodeSettings(new Map(all.map((one) => [one.metadata.name, one])), { name: 'host-1', labels: known });
}

test('the oldest that selects the node counts, of those of one age the first by name', () => {
  const prefixOf = (all: readonly FelixConfiguration[], known?: typeof labels) => settingsOf(all, known).logPrefix;
  const others = [selecting('a'), selecting('b', `role == 'storage'`)];
  expect(prefixOf(others, labels)).toBeUndefined();
  const all = [...others, selecting('d', 'has(role)'), selecting('c', `role == 'gpu'`)];
  expect(prefixOf(all, labels)).toBe('c');
  const older = selecting('z', 'all()', '2026-01-01T00:00:00Z');
  expect(prefixOf([...all, older], labels)).toBe('z');
  expect(prefixOf([...all, older])).toBeUndefined();
});

test('each setting is of the nearest that has it: of the node alone, by its labels, of all nodes', () => {
  const all = [
    configuration('node.host-1', { logPrefix: 'own' }),
    configuration('gpus', { logPrefix: 'gpus', vxlanPort: 4790, nodeSelector: 'has(role)' }),
    configuration('default', { logPrefix: 'all', vxlanPort: 4791, defaultEndpointToHostAction: 'Accept' }),
    configuration('node.host-2', { defaultEndpointToHostAction: 'Return' }),
  ];
  const { nodeSelector: _, ...settings } = settingsOf(all, labels);
  expect(settings).toEqual({ logPrefix: 'own', vxlanPort: 4790, defaultEndpointToHostAction: 'Accept' });
  expect(settingsOf(all, undefined).vxlanPort).toBe(4791);
});
