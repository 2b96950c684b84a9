import { expect, test } from 'bun:test';
import { describeError, formatIssue, isOcicatError, OcicatError } from './errors.ts';

test('an error carries its code, issues, errno and cause', () => {
  const cause = new Error('below');
  const issues = [{ path: 'a', found: '1', wanted: '2' }];
  const error = new OcicatError('kernel', 'do it: no', { cause, issues, errno: 13 });
  expect(error).toMatchObject({ name: 'OcicatError', code: 'kernel', message: 'do it: no', issues, errno: 13, cause });
  expect(new OcicatError('internal', 'x')).toMatchObject({ issues: [], errno: undefined });
  expect('cause' in new OcicatError('internal', 'x')).toBe(false);
});

test('errors are told apart by code', () => {
  const error: unknown = new OcicatError('timeout', 'x');
  expect([isOcicatError(error), isOcicatError(error, 'timeout'), isOcicatError(error, 'aborted', 'timeout')]).toEqual([
    true,
    true,
    true,
  ]);
  expect([isOcicatError(error, 'aborted'), isOcicatError(new Error('x')), isOcicatError('x', 'timeout')]).toEqual([
    false,
    false,
    false,
  ]);
});

test('an error is described with its causes, outermost first', () => {
  const middle = new OcicatError('unavailable', 'reach it', { cause: new Error('ECONNREFUSED') });
  expect(describeError(new Error('start', { cause: middle }))).toBe('start: reach it: ECONNREFUSED');
  expect(describeError(new Error('start', { cause: 'why' }))).toBe('start: why');
  const full = new Error("ENOSPC: no space left on device, open '/a/b'");
  expect(describeError(full)).toBe("'/a/b': no space left on device");
  expect(describeError(new Error('start', { cause: full }))).toBe('start: no space left on device');
  expect(describeError('only words')).toBe('only words');
  expect(describeError(undefined)).toBe('');
});

test('an issue is one line', () => {
  const issue = { path: 'spec.order', found: '"x"', wanted: 'a number' };
  expect(formatIssue(issue)).toBe('spec.order: found "x", wanted a number');
  expect(formatIssue({ ...issue, path: '' })).toBe('document: found "x", wanted a number');
  expect(formatIssue({ ...issue, line: 7 })).toBe('spec.order: found "x", wanted a number (line 7, column 1)');
  expect(formatIssue({ ...issue, line: 7, column: 3 })).toBe(
    'spec.order: found "x", wanted a number (line 7, column 3)',
  );
});
