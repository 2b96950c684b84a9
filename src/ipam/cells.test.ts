import { expect, test } from 'bun:test';
import { openMemoryDatastore } from '../../test/support/datastore/memory.ts';
import { createCells } from './cells.ts';

const signal = new AbortController().signal;

test('the newest revision wins, whatever comes when; a deletion is news too', () => {
  const cells = createCells();
  expect(cells.get('a')).toBeUndefined();
  expect(cells.apply({ key: 'a', value: '5', modRevision: 5 })).toBe(true);
  expect(cells.apply({ key: 'a', value: '4', modRevision: 4 })).toBe(false);
  expect(cells.apply({ key: 'a', value: undefined, modRevision: 6 })).toBe(true);
  expect(cells.apply({ key: 'a', value: '5', modRevision: 5 })).toBe(false);
  expect(cells.get('a')).toMatchObject({ value: undefined, modRevision: 0 });
  expect(cells.apply({ key: 'a', value: '7', modRevision: 7 })).toBe(true);
  expect(cells.keysUnder('')).toEqual(['a']);
});

test('a meaning is worked out once for each value', () => {
  const cells = createCells();
  let count = 0;
  const parse = (text: string) => {
    count += 1;
    return text === 'bad' ? undefined : text.length;
  };
  expect(cells.meaningOf('a', parse)).toBeUndefined();
  cells.apply({ key: 'a', value: 'four', modRevision: 1 });
  expect([cells.meaningOf('a', parse), cells.meaningOf('a', parse), count]).toEqual([4, 4, 1]);
  cells.apply({ key: 'a', value: 'bad', modRevision: 2 });
  expect([cells.meaningOf('a', parse), cells.meaningOf('a', parse), count]).toEqual([undefined, undefined, 2]);
});

test('what a new listing does not tell has gone; without one nothing goes', () => {
  const cells = createCells();
  for (const key of ['a', 'b']) cells.apply({ key, value: key, modRevision: 1 });
  cells.endListing();
  expect(cells.keysUnder('')).toEqual(['a', 'b']);
  cells.beginListing();
  cells.apply({ key: 'a', value: 'a', modRevision: 1 });
  cells.apply({ key: 'c', value: 'c', modRevision: 2 });
  cells.endListing();
  expect(cells.keysUnder('')).toEqual(['a', 'c']);
});

test('reading again takes in additions, changes and deletions', async () => {
  const store = openMemoryDatastore();
  const write = (key: string, value: string) => store.commit({ conditions: [], writes: [{ kind: 'put', key, value }] });
  const cells = createCells();
  await write('p/a', '1');
  await write('p/b', '1');
  await cells.reread(store, 'p/', signal);
  await store.commit({ conditions: [], writes: [{ kind: 'delete', key: 'p/a' }] });
  await write('p/b', '2');
  await write('p/c', '1');
  await cells.reread(store, 'p/', signal);
  expect(cells.keysUnder('p/').map((key) => [key, cells.get(key)?.value])).toEqual([
    ['p/b', '2'],
    ['p/c', '1'],
  ]);
  await store.commit({ conditions: [], writes: [{ kind: 'delete', key: 'p/c' }] });
  await cells.rereadKey(store, 'p/c', signal);
  expect(cells.keysUnder('p/')).toEqual(['p/b']);
});
