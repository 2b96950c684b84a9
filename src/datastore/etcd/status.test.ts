import { describe, expect, test } from 'bun:test';
import { isTransient, readStatus, saysAuthIsOff, statusError, wantsNewToken, wasNotCarriedOut } from './status.ts';

describe('gRPC status', () => {
  const headers: readonly (readonly [Parameters<typeof readStatus>[0], ReturnType<typeof readStatus>])[] = [
    [{ ':status': 200 }, undefined],
    [
      { ':status': 200, 'grpc-status': '0' },
      { code: 'ok', message: '' },
    ],
    [
      { 'grpc-status': '11', 'grpc-message': 'etcdserver: mvcc: 100%25' },
      { code: 'out-of-range', message: 'etcdserver: mvcc: 100%' },
    ],
    [
      { 'grpc-status': '14', 'grpc-message': 'bad %zz' },
      { code: 'unavailable', message: 'bad %zz' },
    ],
    [{ 'grpc-status': '99' }, { code: 'unknown', message: '' }],
    [{ ':status': 503 }, { code: 'unavailable', message: 'HTTP status 503' }],
    [{ ':status': 401 }, { code: 'unauthenticated', message: 'HTTP status 401' }],
  ];
  for (const [received, status] of headers)
    test(`${JSON.stringify(received)}`, () => {
      expect(readStatus(received)).toEqual(status);
    });

  /** etcd's messages (api/v3rpc/rpctypes/error.go): what a caller sees, and what the client does first. */
  const refusals = [
    ['out-of-range', 'etcdserver: mvcc: required revision has been compacted', 'not-found', ''],
    ['out-of-range', 'etcdserver: mvcc: required revision is a future revision', 'invalid', ''],
    ['invalid-argument', 'etcdserver: user name is empty', 'denied', ''],
    ['invalid-argument', 'etcdserver: authentication failed, invalid user ID or password', 'denied', ''],
    ['invalid-argument', 'etcdserver: revision of auth store is old', 'invalid', 'token'],
    ['invalid-argument', 'etcdserver: duplicate key given in txn request', 'invalid', ''],
    ['permission-denied', 'etcdserver: permission denied', 'denied', ''],
    ['unauthenticated', 'etcdserver: invalid auth token', 'denied', 'token'],
    ['failed-precondition', 'etcdserver: authentication is not enabled', 'invalid', 'auth-off'],
    ['not-found', 'etcdserver: requested lease not found', 'not-found', ''],
    ['resource-exhausted', 'etcdserver: mvcc: database space exceeded', 'exhausted', ''],
    ['resource-exhausted', 'etcdserver: too many requests', 'exhausted', 'not-done'],
    ['unavailable', 'etcdserver: no leader', 'unavailable', 'transient not-done'],
    ['unavailable', 'etcdserver: request timed out', 'unavailable', 'transient'],
    ['unavailable', 'etcdserver: leader changed', 'unavailable', 'transient'],
    ['unknown', 'raft proposal dropped', 'unavailable', 'transient not-done'],
    ['deadline-exceeded', 'context deadline exceeded', 'unavailable', ''],
  ] as const;
  for (const [code, message, seen, marks] of refusals)
    test(message, () => {
      const status = { code, message };
      expect(statusError('read "a"', status)).toMatchObject({ code: seen, message: `read "a": ${message}` });
      const found = [
        wantsNewToken(status) ? 'token' : '',
        saysAuthIsOff(status) ? 'auth-off' : '',
        isTransient(status) ? 'transient' : '',
        wasNotCarriedOut(status) ? 'not-done' : '',
      ];
      expect(found.filter(Boolean).join(' ')).toBe(marks);
    });

  test('without a message the code stands for it', () => {
    expect(statusError('a', { code: 'internal', message: '' }).message).toBe('a: internal');
  });
});
