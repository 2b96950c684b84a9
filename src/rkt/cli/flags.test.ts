import { expect, test } from 'bun:test';
import { flagTable, isSet, lastFlag, parseFlags } from './flags.ts';

const table = flagTable([
  { name: 'dir', takes: 'text', help: '' },
  { name: 'debug', takes: 'boolean', help: '' },
  { name: 'net', takes: 'optional', bare: 'default', help: '' },
]);

test('values follow an equals sign or are the next word', () => {
  const { uses, rest } = parseFlags(table, ['--dir=/a', 'x', '--dir', '/b', '--debug', '--net', 'y'], true);
  expect(uses).toEqual([
    { name: 'dir', value: '/a' },
    { name: 'dir', value: '/b' },
    { name: 'debug', value: 'true' },
    { name: 'net', value: 'default' },
  ]);
  expect(rest).toEqual(['x', 'y']);
  expect(lastFlag(uses, 'dir')).toBe('/b');
  expect(isSet(uses, 'debug')).toBe(true);
  expect(isSet(uses, 'net')).toBe(false);
});

test('without mixing, the first other word ends the options', () => {
  expect(parseFlags(table, ['--debug=F', 'sh', '--dir'], false)).toEqual({
    uses: [{ name: 'debug', value: 'false' }],
    rest: ['sh', '--dir'],
  });
  expect(parseFlags(table, ['--', '--dir'], false)).toEqual({ uses: [], rest: ['--dir'] });
});

test.each([
  [['--nope'], 'unknown flag: --nope'],
  [['-x'], "unknown shorthand flag: 'x' in -x"],
  [['--dir'], 'flag needs an argument: --dir'],
  [
    ['--debug=maybe'],
    'invalid argument "maybe" for "--debug" flag: strconv.ParseBool: parsing "maybe": invalid syntax',
  ],
])('%j is refused', (words, message) => {
  expect(() => parseFlags(table, words, true)).toThrow(message);
});
