import { expect, test } from 'bun:test';
import { openMemoryDatastore } from '../../test/support/datastore/memory.ts';
import { createKeyCache } from './key-cache.ts';

const signal = new AbortController().signal;

test('the newest revision wins, whatever comes when; a deletion is news too', () => {
  const cache = createKeyCache();
  expect(cache.get('a')).toBeUndefined();
  expect(cache.apply({ key: 'a', value: '5', modRevision: 5 })).toBe(true);
  expect(cache.apply({ key: 'a', value: '4', modRevision: 4 })).toBe(false);
  expect(cache.apply({ key: 'a', value: undefined, modRevision: 6 })).toBe(true);
  expect(cache.apply({ key: 'a', value: '5', modRevision: 5 })).toBe(false);
  expect(cache.get('a')).toMatchObject({ value: undefined, modRevision: 0 });
  expect(cache.apply({ key: 'a', value: '7', modRevision: 7 })).toBe(true);
  expect(cache.keysUnder('')).toEqual(['a']);
});

test('a meaning is worked out once for each value', () => {
  const cache = createKeyCache();
  let count = 0;
  const parse = (text: string) => {
    count += 1;
    return text === 'bad' ? undefined : text.length;
  };
  expect(cache.meaningOf('a', parse)).toBeUndefined();
  cache.apply({ key: 'a', value: 'four', modRevision: 1 });
  expect([cache.meaningOf('a', parse), cache.meaningOf('a', parse), count]).toEqual([4, 4, 1]);
  cache.apply({ key: 'a', value: 'bad', modRevision: 2 });
  expect([cache.meaningOf('a', parse), cache.meaningOf('a', parse), count]).toEqual([undefined, undefined, 2]);
});

test('what a new listing does not tell has gone; without one nothing goes', () => {
  const cache = createKeyCache();
  for (const key of ['a', 'b']) cache.apply({ key, value: key, modRevision: 1 });
  cache.endListing();
  expect(cache.keysUnder('')).toEqual(['a', 'b']);
  cache.beginListing();
  cache.apply({ key: 'a', value: 'a', modRevision: 1 });
  cache.apply({ key: 'c', value: 'c', modRevision: 2 });
  cache.endListing();
  expect(cache.keysUnder('')).toEqual(['a', 'c']);
});

test('reading again takes in additions, changes and deletions', async () => {
  const store = openMemoryDatastore();
  const write = (key: string, value: string) => store.commit({ conditions: [], writes: [{ kind: 'put', key, value }] });
  const cache = createKeyCache();
  await write('p/a', '1');
  await write('p/b', '1');
  await cache.reread(store, 'p/', signal);
  await store.commit({ conditions: [], writes: [{ kind: 'delete', key: 'p/a' }] });
  await write('p/b', '2');
  await write('p/c', '1');
  await cache.reread(store, 'p/', signal);
  expect(cache.keysUnder('p/').map((key) => [key, cache.get(key)?.value])).toEqual([
    ['p/b', '2'],
    ['p/c', '1'],
  ]);
  await store.commit({ conditions: [], writes: [{ kind: 'delete', key: 'p/c' }] });
  await cache.rereadKey(store, 'p/c', signal);
  expect(cache.keysUnder('p/')).toEqual(['p/b']);
});
