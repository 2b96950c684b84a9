import { expect, test } from 'bun:test';
import { findCandidates, printCandidates } from './candidates.ts';
import type { Command } from './command.ts';
import type { Program } from './program.ts';

const nothing = { operands: [], flags: [], load: async () => undefined };
const commands: readonly Command[] = [
  {
    ...nothing,
    path: ['get'],
    summary: '',
    operands: [
      { name: 'KIND', offers: 'kinds' },
      { name: 'NAME', many: true, offers: 'names' },
    ],
    flags: [
      { name: 'output', short: 'o', value: 'FORMAT', doc: '', choices: ['json', 'yaml'] },
      { name: 'file', value: 'FILE', doc: '', isPath: true },
      { name: 'net', value: 'LIST', bare: 'default', doc: '', choices: ['host', 'none'] },
      { name: 'secret', doc: '', hidden: true },
    ],
  },
  { ...nothing, path: ['ipam', 'show'], summary: '' },
  { ...nothing, path: ['ipam', 'split'], summary: '' },
  { ...nothing, path: ['__complete'], summary: '', hidden: true },
  {
    ...nothing,
    path: ['enter'],
    summary: '',
    operands: [
      { name: 'UUID', offers: 'pods' },
      { name: 'ARGUMENT', many: true },
    ],
    leading: true,
  },
  {
    ...nothing,
    path: ['run'],
    summary: '',
    operands: [{ name: 'IMAGE', many: true, offers: 'images', flags: [{ name: 'exec', value: 'PATH', doc: '' }] }],
  },
];
const program: Program = {
  name: 'tool',
  commands,
  globalFlags: [{ name: 'debug', doc: '' }],
  assigns: ' ',
  describeFault: () => undefined,
};

/** What is printed for a line whose arguments are divided by blanks; names as `SOURCE(OPERANDS)`. */
function offered(line: string, assigns: ' ' | '=' = ' '): string {
  const candidates = findCandidates({ ...program, assigns }, line.split(' '));
  if (candidates.kind === 'names') return `${candidates.source}(${candidates.operands.join(' ')})`;
  return printCandidates(candidates, candidates.kind === 'values' ? candidates.values : [])
    .replaceAll('\n', ' ')
    .trim();
}

test.each([
  ['', 'enter get ipam run'],
  ['ip', 'ipam'],
  ['ipam ', 'show split'],
  ['ipam sp', 'split'],
  ['get ', 'kinds()'],
  ['get pool a', 'names(pool)'],
  ['--debug get pool a b', 'names(pool a)'],
  ['get -', '--output --file --net --debug'],
  ['get --out', '--output'],
  ['get --output ', 'json yaml'],
  ['get -o y', 'yaml'],
  ['get --file a', ':files'],
  ['get --net ', 'kinds()'],
  ['enter ', 'pods()'],
  ['enter x --de', ''],
  ['run ', 'images()'],
  ['run a --e', '--exec'],
  ['run a -- --e', ':files'],
  ['nope ', ''],
])('"%s" can go on with "%s"', (line, wanted) => {
  expect(offered(line)).toBe(wanted);
});

test.each([
  ['get --output=j', '--output=json'],
  ['get --output=', '--output=json --output=yaml'],
  ['get --net=h', '--net=host'],
  ['get --debug=t', '--debug=true'],
  ['get --file=a', ':files'],
])('the value behind an equals sign: "%s" can be "%s"', (line, wanted) => {
  expect(offered(line)).toBe(wanted);
});

test.each([
  ['get --output =', 'json yaml'],
  ['get --output = j', 'json'],
  ['get --output = json p', 'kinds()'],
  ['get --net = ', 'host none'],
])('bash, which cuts at equals signs: "%s" can go on with "%s"', (line, wanted) => {
  expect(offered(line)).toBe(wanted);
});

test('a program that assigns by an equals sign offers it', () => {
  expect(offered('get --', '=')).toBe('--output= --file= --net --debug');
});
