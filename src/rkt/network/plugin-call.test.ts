import { expect, test } from 'bun:test';
import { computeArgs, findPlugin, parsePluginError } from './plugin-call.ts';

test.each([
  ['{"code":11,"msg":"m","details":"d"}', 'unavailable', 'm; d'],
  ['{"code":4,"msg":"m"}', 'invalid', 'm'],
  ['{"code":7,"msg":"m"}', 'invalid', 'm'],
  ['panic\n', 'unavailable', 'netplugin failed but error parsing its diagnostic message "panic"'],
] as const)('the error %j is %s', (printed, code, message) => {
  expect(parsePluginError(printed)).toMatchObject({ code, message });
});

test('a plugin that is nowhere', () => {
  expect(() => findPlugin('nope', ['/nonexistent', '/nowhere'])).toThrow(
    'Could not find plugin "nope": install it in one of /nonexistent, /nowhere',
  );
});

test.each([
  ['calico', '', 'web', 'NAMES=web'],
  ['calico', 'IP=10.0.0.1', 'rkt-5bc080ca', 'IP=10.0.0.1;NAMES=rkt-5bc080ca'],
  ['calico', 'NAMES=db', 'web', 'NAMES=db'],
  ['calico', 'IP=10.0.0.1', 'web.', 'IP=10.0.0.1'],
  ['calico', 'IP=10.0.0.1', undefined, 'IP=10.0.0.1'],
  ['ptp', '', 'web', ''],
])('plugin %s with the arguments %j of a pod called %s gets %j', (plugin, args, hostname, expected) => {
  expect(computeArgs(plugin, args, hostname)).toBe(expected);
});
