import { expect, test } from 'bun:test';
import { computeMountPoints } from './image-manifest.ts';

test('mount points are named after their paths', () => {
  expect(computeMountPoints(['/data', '/Data/', '/var/lib/x_y'])).toEqual([
    { name: 'volume-data', path: '/data' },
    { name: 'volume-data-1', path: '/Data/' },
    { name: 'volume-var-lib-x-y', path: '/var/lib/x_y' },
  ]);
});

test('no two mount points of an image have one name', () => {
  expect(computeMountPoints(['/A', '/a', '/a-1']).map(({ name }) => name)).toEqual([
    'volume-a',
    'volume-a-1',
    'volume-a-1-1',
  ]);
});
