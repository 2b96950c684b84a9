import { expect, test } from 'bun:test';
import { findPlugin, parsePluginError } from './plugin-call.ts';

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
