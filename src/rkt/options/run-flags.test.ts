import { expect, test } from 'bun:test';
import { parseFlavour, parsePullPolicy, parseRuntimeOptions } from './run-flags.ts';

test.each([
  ['stage1-name', 'coreos.com/rkt/stage1-fly:1.30.0', 'fly'],
  ['stage1-path', '/usr/lib/rkt/stage1-images/stage1-fly.aci', 'fly'],
  ['stage1-from-dir', 'stage1-fly.aci', 'fly'],
  ['stage1-url', 'https://example.com/a/stage1-fly-1.30.0-linux-amd64.aci', 'fly'],
  ['stage1-name', 'coreos.com/rkt/stage1-coreos', 'default'],
] as const)('--%s=%s is %s', (name, value, flavour) => {
  expect(parseFlavour({ flags: [{ name, value }] })).toBe(flavour);
});

test('other flavours, hashes and several choices are refused', () => {
  const name = { name: 'stage1-name', value: 'coreos.com/rkt/stage1-fly' };
  expect(() => parseFlavour({ flags: [{ name: 'stage1-name', value: 'coreos.com/rkt/stage1-kvm' }] })).toThrow(
    'unknown flavour',
  );
  expect(() => parseFlavour({ flags: [{ name: 'stage1-hash', value: 'sha512-fly' }] })).toThrow('unknown flavour');
  expect(() => parseFlavour({ flags: [name, { name: 'stage1-path', value: 'x' }] })).toThrow(
    'flags --stage1-name and --stage1-path are mutually exclusive',
  );
  expect(() => parseFlavour({ flags: [name, name] })).toThrow('--stage1-name already used');
  expect(parseFlavour({ flags: [] })).toBe('default');
});

test('deprecated options say so and still work', () => {
  const warnings: string[] = [];
  const policy = (name: string, value = 'true') =>
    parsePullPolicy({ flags: [{ name, value }] }, 'new', (line) => warnings.push(line));
  expect([policy('store-only'), policy('no-store'), policy('pull-policy', 'update'), policy('other')]).toEqual([
    'never',
    'update',
    'update',
    'new',
  ]);
  expect(warnings).toEqual([
    'Flag --store-only has been deprecated, please use --pull-policy=never',
    'Flag --no-store has been deprecated, please use --pull-policy=update',
  ]);
  expect(() => policy('pull-policy', 'sometimes')).toThrow('wanted new, update or never');
});

test('--ipc', () => {
  const ipc = (value: string) => parseRuntimeOptions({ flags: [{ name: 'ipc', value }] }).ownIpc;
  expect([ipc(''), ipc('auto'), ipc('private'), ipc('parent')]).toEqual([undefined, undefined, true, false]);
  expect(() => ipc('host')).toThrow('unknown value for --ipc parameter: host');
});
