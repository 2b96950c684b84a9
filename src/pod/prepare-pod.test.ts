import { expect, test } from 'bun:test';
import { computeMountPoints } from './prepare-pod.ts';

test('mount points are named after their paths', () => {
  expect(computeMountPoints(['/data', '/Data/', '/var/lib/x_y'])).toEqual([
    { name: 'volume-data', path: '/data' },
    { name: 'volume-data-1', path: '/Data/' },
    { name: 'volume-var-lib-x-y', path: '/var/lib/x_y' },
  ]);
});
