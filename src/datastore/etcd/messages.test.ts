import { describe, expect, test } from 'bun:test';
import { discoverEndpoints } from './discovery.ts';
import { computePauseMs } from './endpoints.ts';
import { computeRangeEnd, decodeWatch, encodeTransaction, encodeWatchCreate } from './messages.ts';
import { encodeMessage } from './protobuf.ts';
import { computePageKeys } from './range.ts';

describe('ranges', () => {
  const ends: readonly (readonly [string, string])[] = [
    ['/a/', '2f6130'],
    ['', '00'],
    ['a', '62'],
    ['ÿ', 'c3c0'],
  ];
  for (const [prefix, end] of ends)
    test(`the keys under "${prefix}" end before ${end}`, () => {
      expect(computeRangeEnd(prefix).toString('hex')).toBe(end);
    });

  test('pages aim at 16 MB', () => {
    expect(computePageKeys(100, 100_000)).toBe(16_777);
    expect(computePageKeys(100, 1_000)).toBe(25_000);
    expect(computePageKeys(100, 0)).toBe(25_000);
    expect(computePageKeys(100, 150_000_000)).toBe(11);
    expect(computePageKeys(1, 50_000_000)).toBe(1);
  });
});

describe('messages', () => {
  test('a transaction compares mod revisions, writes, and reads back on failure', () => {
    const bytes = encodeTransaction({
      conditions: [{ key: 'c', modRevision: 0 }],
      writes: [
        { kind: 'put', key: 'p', value: 'v' },
        { kind: 'delete', key: 'd' },
      ],
    });
    const compare = '0a07' + '1002' + '1a0163' + '3000';
    const put = '1208' + '1206' + '0a0170' + '120176';
    const remove = '1205' + '1a03' + '0a0164';
    const read = '1a05' + '0a03' + '0a0163';
    expect(bytes.toString('hex')).toBe(compare + put + remove + read);
  });

  test('a watch asks for progress and fragments', () => {
    expect(encodeWatchCreate('a', 7).toString('hex')).toBe('0a0c' + '0a0161' + '120162' + '1807' + '2001' + '4001');
  });

  test('a watch answer is read, with puts and deletes', () => {
    const kv = encodeMessage([1, 'k'], [2, 3], [3, 9], [4, 2], [5, 'v']);
    const bytes = encodeMessage(
      [1, encodeMessage([1, 2n ** 64n - 1n], [2, 5n], [3, 12], [4, 2])],
      [2, -1n],
      [7, true],
      [11, encodeMessage([2, kv])],
      [11, encodeMessage([1, 1], [2, encodeMessage([1, 'd'], [3, 10])], [3, kv])],
    );
    expect(decodeWatch(bytes)).toEqual({
      header: { clusterId: 2n ** 64n - 1n, revision: 12 },
      watchId: -1n,
      created: false,
      canceled: false,
      compactRevision: 0,
      cancelReason: '',
      fragment: true,
      events: [
        { kind: 'put', kv: { key: 'k', value: 'v', modRevision: 9 } },
        { kind: 'delete', key: 'd', modRevision: 10 },
      ],
    });
  });
});

test('pauses double to a second, a quarter of it at random', () => {
  expect([0, 1, 4, 5, 50].map((attempt) => computePauseMs(attempt, 0))).toEqual([50, 100, 800, 1_000, 1_000]);
  expect(computePauseMs(2, 1)).toBe(150);
});

describe('discovery', () => {
  test('orders by kind, priority and weight', async () => {
    const records: Record<string, { name: string; port: number; priority: number; weight: number }[]> = {
      '_etcd-client._tcp.d': [{ name: 'plain', port: 1, priority: 0, weight: 0 }],
      '_etcd-client-ssl._tcp.d': [
        { name: 'late', port: 2, priority: 20, weight: 9 },
        { name: 'light.', port: 3, priority: 10, weight: 1 },
        { name: 'heavy.', port: 4, priority: 10, weight: 2 },
      ],
    };
    expect(await discoverEndpoints('d', async (name) => records[name] ?? [])).toEqual([
      'https://heavy:4',
      'https://light:3',
      'https://late:2',
      'http://plain:1',
    ]);
  });

  test('says what it looked for in vain', async () => {
    const resolveSrv = async (name: string): Promise<never> => {
      throw new Error(`ENOTFOUND ${name}`);
    };
    const error = await discoverEndpoints('d', resolveSrv).catch((reason: unknown) => reason);
    expect(error).toMatchObject({
      code: 'unavailable',
      message:
        'discover etcd in domain "d": no SRV records; "_etcd-client-ssl._tcp.d": ENOTFOUND _etcd-client-ssl._tcp.d; ' +
        '"_etcd-client._tcp.d": ENOTFOUND _etcd-client._tcp.d',
    });
  });
});
