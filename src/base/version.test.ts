import { expect, test } from 'bun:test';
import { COMMIT, VERSION } from './version.ts';

test('the version is a semantic version', () => {
  expect(VERSION).toMatch(/^\d+\.\d+\.\d+(-[0-9a-z.]+)?$/);
});

test('sources that nobody has built are of no commit', () => {
  expect(COMMIT).toBe('unknown');
});
