import { describe, expect, test } from 'bun:test';
import { OcicatError } from '../../base/errors.ts';
import type { KeyValue } from '../port.ts';
import { createClusterIdentity, type Witnessed } from './cluster-identity.ts';
import { type ReadKey, verifyHistory } from './verify.ts';

const header = (clusterId: bigint, revision: number) => ({ clusterId, revision });

test('a store is the same while its id stays and its revision does not fall', () => {
  const identity = createClusterIdentity();
  expect(identity.name()).toBe('unknown');
  identity.see(header(10n, 5), identity.floor());
  expect(identity.name()).toBe('a.0');
  identity.see(header(10n, 9), identity.floor());
  identity.see(header(10n, 9), identity.floor());
  expect(identity.name()).toBe('a.0');
});

test('an answer that is overtaken by a later one is no step back', () => {
  const identity = createClusterIdentity();
  identity.see(header(10n, 5), 0);
  const floor = identity.floor();
  identity.see(header(10n, 9), floor);
  identity.see(header(10n, 6), floor);
  expect([identity.name(), identity.floor()]).toEqual(['a.0', 9]);
});

test('a fallen revision under the same id is another store, once', () => {
  const identity = createClusterIdentity();
  identity.see(header(10n, 50), 0);
  const floor = identity.floor();
  identity.see(header(10n, 2), floor);
  expect([identity.name(), identity.floor()]).toEqual(['a.1', 2]);
  identity.see(header(10n, 3), floor);
  expect([identity.name(), identity.floor()]).toEqual(['a.1', 3]);
});

test('another id is another store, also for a watch', () => {
  const identity = createClusterIdentity();
  identity.follow(header(10n, 1));
  identity.see(header(11n, 60), 0);
  expect(identity.name()).toBe('b.1');
  identity.follow(header(11n, 1));
  expect(identity.name()).toBe('b.1');
  identity.follow(header(12n, 90));
  expect(identity.name()).toBe('c.2');
});

test('what a watch has delivered counts for what may not run backwards', () => {
  const identity = createClusterIdentity();
  identity.see(header(10n, 5), 0);
  identity.witness({ key: 'a', value: '1', modRevision: 9 });
  identity.see(header(10n, 8), identity.floor());
  expect(identity.name()).toBe('a.1');
  identity.follow(header(10n, 12));
  identity.see(header(10n, 11), identity.floor());
  expect(identity.name()).toBe('a.2');
});

describe('verifyHistory', () => {
  const wrote = (key: string, value: string, modRevision: number) => ({ key, value, modRevision });
  const deleted = (key: string, modRevision: number) => ({ key, value: undefined, modRevision });

  /** A store whose every key has one value, from a revision on; what is before `oldest` is forgotten. */
  function storeOf(newest: number, kvs: readonly KeyValue[], oldest = 1): ReadKey {
    return async ({ key, revision = newest }) => {
      if (revision > newest) throw new OcicatError('invalid', 'required revision is a future revision');
      if (revision < oldest) throw new OcicatError('not-found', 'compacted');
      return kvs.findLast((kv) => kv.key === key && kv.modRevision <= revision);
    };
  }

  const cases: readonly (readonly [string, readonly Witnessed[], ReadKey, boolean])[] = [
    ['nothing was seen', [], storeOf(1, []), true],
    ['the last write stands', [wrote('a', '1', 5)], storeOf(9, [wrote('a', '1', 5)]), true],
    ['it stood then', [wrote('a', '1', 5)], storeOf(9, [wrote('a', '1', 5), wrote('a', '2', 7)]), true],
    ['it was another value', [wrote('a', '1', 5)], storeOf(9, [wrote('a', '2', 5)]), false],
    ['it was another key', [wrote('a', '1', 5)], storeOf(9, [wrote('b', '1', 5)]), false],
    ['it was at another revision', [wrote('a', '1', 5)], storeOf(9, [wrote('a', '1', 6)]), false],
    ['the store is older', [wrote('a', '1', 5)], storeOf(4, [wrote('a', '0', 3)]), false],
    ['that time is forgotten', [wrote('a', '1', 5)], storeOf(9, [wrote('a', '2', 7)], 8), false],
    ['the deletion did not happen', [wrote('a', '1', 5), deleted('a', 6)], storeOf(9, [wrote('a', '1', 5)]), false],
    ['the deletion happened', [wrote('a', '1', 5), deleted('b', 6)], storeOf(9, [wrote('a', '1', 5)]), true],
  ];
  test.each(cases)('%s', async (_name, seen, read, same) => {
    const identity = createClusterIdentity();
    identity.see(header(10n, 2), 0);
    for (const event of seen) identity.witness(event);
    await verifyHistory(identity, read);
    expect(identity.name() === 'a.0').toBe(same);
  });
});
