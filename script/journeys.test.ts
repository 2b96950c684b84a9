// The journeys that DESIGN.md tells pass files that are there.
import { expect, test } from 'bun:test';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dir, '..');

test('every file of a journey is there', () => {
  const [, journeys = ''] = /^## Journeys\n(.*?)^## /ms.exec(readFileSync(join(root, 'DESIGN.md'), 'utf8')) ?? [];
  const files = [...journeys.matchAll(/`([^`]+\.(?:ts|c))`/g)].map(([, file = '']) => file);
  expect(files.length).toBeGreaterThan(50);
  expect(files.filter((file) => !existsSync(join(root, 'src', file)))).toEqual([]);
});
