import { expect, test } from 'bun:test';
import { API_VERSION } from '../meta/resource.ts';
import type { FelixConfiguration, FelixConfigurationSpec } from './felix-configuration.ts';
import { recoverFelixConfiguration } from './recover.ts';

function textOf(spec: unknown): string {
  return JSON.stringify({ kind: 'FelixConfiguration', apiVersion: API_VERSION, metadata: { name: 'default' }, spec });
}

function recover(text: string, before?: FelixConfigurationSpec, assumed: FelixConfigurationSpec = {}) {
  const known: FelixConfiguration | undefined = before && {
    kind: 'FelixConfiguration',
    apiVersion: API_VERSION,
    metadata: { name: 'default' },
    spec: before,
  };
  return recoverFelixConfiguration({ name: 'default', text }, known, assumed).spec;
}

const ENCRYPTING = { wireguardEnabled: true, vxlanPort: 4790 } as const;

test('fields that can be read are taken, beside others that cannot', () => {
  expect(recover(textOf({ wireguardEnabled: true, logSeverityScreen: 5 }))).toEqual({ wireguardEnabled: true });
  expect(recover(textOf({ wireguardEnabled: false, vxlanPort: 'x' }), ENCRYPTING)).toEqual({
    wireguardEnabled: false,
    vxlanPort: 4790,
  });
});

test('a field that cannot be read counts for what it was, and one that is not there for nothing', () => {
  expect(recover(textOf({ wireguardEnabled: 'on' }), ENCRYPTING)).toEqual({ wireguardEnabled: true });
  expect(recover(textOf({ wireguardEnabled: 'on' }), { wireguardEnabled: false })).toEqual({ wireguardEnabled: false });
});

test('a host that has a key does not stop to encrypt because of what nobody has been able to read', () => {
  const assumed = { wireguardEnabled: true };
  for (const text of [textOf({ wireguardEnabled: 'on' }), textOf(7), 'damaged', '{}'])
    expect(recover(text, undefined, assumed)).toEqual(assumed);
  expect(recover(textOf({ logSeverityScreen: 5 }), undefined, assumed)).toEqual({});
  for (const text of ['damaged', textOf({ wireguardEnabled: 'on' })]) expect(recover(text)).toEqual({});
});
