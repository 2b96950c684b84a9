import { expect, test } from 'bun:test';
import { createLineage } from './lineage.ts';

const header = (clusterId: bigint, revision: number) => ({ clusterId, revision });

test('a store is the same while its id stays and its revision does not fall', () => {
  const lineage = createLineage();
  expect(lineage.name()).toBe('unknown');
  lineage.see(header(10n, 5), lineage.floor());
  expect(lineage.name()).toBe('a.0');
  lineage.see(header(10n, 9), lineage.floor());
  lineage.see(header(10n, 9), lineage.floor());
  expect(lineage.name()).toBe('a.0');
});

test('an answer that is overtaken by a later one is no step back', () => {
  const lineage = createLineage();
  lineage.see(header(10n, 5), 0);
  const floor = lineage.floor();
  lineage.see(header(10n, 9), floor);
  lineage.see(header(10n, 6), floor);
  expect([lineage.name(), lineage.floor()]).toEqual(['a.0', 9]);
});

test('a fallen revision under the same id is another store, once', () => {
  const lineage = createLineage();
  lineage.see(header(10n, 50), 0);
  const floor = lineage.floor();
  lineage.see(header(10n, 2), floor);
  expect([lineage.name(), lineage.floor()]).toEqual(['a.1', 2]);
  lineage.see(header(10n, 3), floor);
  expect([lineage.name(), lineage.floor()]).toEqual(['a.1', 3]);
});

test('another id is another store, also for a watch', () => {
  const lineage = createLineage();
  expect(lineage.isOther(header(10n, 1))).toBe(false);
  lineage.see(header(11n, 60), 0);
  expect(lineage.name()).toBe('b.1');
  expect(lineage.isOther(header(11n, 1))).toBe(false);
  expect(lineage.isOther(header(12n, 90))).toBe(true);
  expect(lineage.name()).toBe('c.2');
});
