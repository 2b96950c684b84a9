import { expect, test } from 'bun:test';
import { cutLine } from './arguments.ts';
import type { Flag } from './command.ts';
import { describeFlagFault, type Fault } from './faults.ts';
import { flagOn, flagValue, flagValues, readFlags } from './flags.ts';

const flags: readonly Flag[] = [
  { name: 'dir', value: 'PATH', doc: '' },
  { name: 'output', short: 'o', value: 'FORMAT', doc: '' },
  { name: 'debug', doc: '' },
  { name: 'all', short: 'A', doc: '' },
  { name: 'net', value: 'LIST', bare: 'default', doc: '' },
];
const program = {
  describeFault: (fault: Fault) => ('flag' in fault ? describeFlagFault(fault) : undefined),
};

function parse(line: string, leading = false) {
  const { tokens, operands, trailing } = cutLine(line.split(' '), flags, leading);
  return { flags: readFlags(program, tokens, flags), operands, trailing };
}

test('values follow an equals sign or are the next argument', () => {
  const line = parse('--dir=/a x --dir /b --debug --net y');
  expect(line).toEqual({
    flags: [
      { name: 'dir', value: '/a' },
      { name: 'dir', value: '/b' },
      { name: 'debug', value: 'true' },
      { name: 'net', value: 'default' },
    ],
    operands: ['x', 'y'],
    trailing: [],
  });
  expect([flagValue(line, 'dir'), flagValues(line, 'dir')]).toEqual(['/b', ['/a', '/b']]);
  expect([flagOn(line, 'debug'), flagOn(line, 'net'), flagOn(line, 'all')]).toEqual([true, false, false]);
});

test.each([
  ['-ojson -A', ['json', true]],
  ['-Ao json', ['json', true]],
  ['-o=json -A=false', ['json', false]],
  ['-A=T -o --debug', ['--debug', true]],
])('letters: %s', (text, wanted) => {
  const line = parse(text);
  expect([flagValue(line, 'output'), flagOn(line, 'all')]).toEqual(wanted);
});

test('where flags lead, the first operand ends them', () => {
  expect(parse('--debug=F sh --dir', true)).toEqual({
    flags: [{ name: 'debug', value: 'false' }],
    operands: ['sh', '--dir'],
    trailing: [],
  });
  expect(parse('-- --dir', true)).toEqual({ flags: [], operands: [], trailing: ['--dir'] });
});

test('what stands behind -- is no flag', () => {
  expect(parse('a --debug -- b --dir -- c')).toEqual({
    flags: [{ name: 'debug', value: 'true' }],
    operands: ['a'],
    trailing: ['b', '--dir', '--', 'c'],
  });
});

test.each([
  ['--nope', 'unknown flag: --nope'],
  ['-x', "unknown shorthand flag: 'x' in -x"],
  ['-Ax', "unknown shorthand flag: 'x' in -Ax"],
  ['--dir', 'flag needs an argument: --dir'],
  ['-Ao', 'flag needs an argument: -o'],
  ['--debug=maybe', 'invalid argument "maybe" for --debug: it is true or false'],
])('%s is refused', (line, message) => {
  expect(() => parse(line)).toThrow(message);
});
