import { expect, test } from 'bun:test';
import { VERSION } from './version.ts';

test('the version is a semantic version', () => {
  expect(VERSION).toMatch(/^\d+\.\d+\.\d+(-[0-9a-z.]+)?$/);
});
