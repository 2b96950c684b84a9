import { expect, test } from 'bun:test';
import { type LogLevel, openLog } from './log.ts';

const LEVELS: readonly (readonly [LogLevel, string])[] = [
  ['debug', 'DEBUG INFO WARN ERROR'],
  ['info', 'INFO WARN ERROR'],
  ['warn', 'WARN ERROR'],
  ['error', 'ERROR'],
  ['fatal', ''],
];

test.each(LEVELS)('at %s it writes %j', (level, written) => {
  const lines: string[] = [];
  const log = openLog((line) => lines.push(line.split(' ')[1] ?? ''));
  log.setLevel(level);
  log.debug(() => 'm');
  log.info('m');
  log.warn('m');
  log.error('m');
  expect(lines.join(' ')).toBe(written);
});

test('it begins at info, and a message of debug is not made until somebody wants it', () => {
  const lines: string[] = [];
  const log = openLog((line) => lines.push(line.replace(/^\S+ /, '')));
  const fail = (): string => {
    throw new Error('made');
  };
  log.debug(fail);
  log.info('m');
  expect(lines).toEqual(['INFO m']);
});
