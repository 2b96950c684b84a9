import { expect, test } from 'bun:test';
import { createRevisions, REMEMBER_DELETION_MS } from './revisions.ts';

test('the newest revision of a key wins, a deletion too, until everything is news again', () => {
  const revisions = createRevisions();
  expect(revisions.take({ key: 'a', value: '2', modRevision: 2 })).toBe(true);
  expect(revisions.take({ key: 'a', value: '2', modRevision: 2 })).toBe(false);
  expect(revisions.take({ key: 'a', value: undefined, modRevision: 4 })).toBe(true);
  expect(revisions.take({ key: 'a', value: '3', modRevision: 3 })).toBe(false);
  expect(revisions.isGone('a')).toBe(true);
  revisions.forget();
  expect(revisions.isGone('a')).toBe(false);
  expect(revisions.take({ key: 'a', value: '1', modRevision: 1 })).toBe(true);
});

test('a deletion is remembered for as long as older news may come, and no longer', () => {
  let nowMs = 0;
  const revisions = createRevisions(() => nowMs);
  revisions.take({ key: 'a', value: undefined, modRevision: 5 });
  nowMs = REMEMBER_DELETION_MS - 1;
  expect(revisions.take({ key: 'a', value: 'late', modRevision: 4 })).toBe(false);
  revisions.take({ key: 'b', value: undefined, modRevision: 6 });
  expect(revisions.isGone('a')).toBe(true);
  nowMs = REMEMBER_DELETION_MS;
  revisions.take({ key: 'c', value: 'c', modRevision: 7 });
  expect([revisions.isGone('a'), revisions.isGone('b')]).toEqual([false, true]);
});
