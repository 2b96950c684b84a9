import { expect, test } from 'bun:test';
import { OcicatError } from '../../base/errors.ts';
import { formatFailure } from './failure.ts';

const innermost = new Error('connection refused\nby peer');
const error = new OcicatError('unavailable', 'cannot fetch', {
  cause: new OcicatError('unavailable', 'registry "x"', { cause: innermost }),
});

test('one line with the outermost and the innermost message', () => {
  expect(formatFailure(error, false)).toBe('cannot fetch: connection refused; by peer');
  expect(formatFailure(new Error('alone'), false)).toBe('alone');
});

test('with debug every message below the one it caused', () => {
  expect(formatFailure(error, true)).toBe('cannot fetch\n  └─registry "x"\n    └─connection refused; by peer');
});
