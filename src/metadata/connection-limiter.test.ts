import { expect, test } from 'bun:test';
import { createConnectionLimiter } from './connection-limiter.ts';

const often = { perSecond: 1000, burstSeconds: 1 };

test('a sender has a bounded number, and at least one however many others have', () => {
  const limiter = createConnectionLimiter({ ofOne: 2, ofAll: 3, ...often });
  const first = limiter.tryAcquire('a');
  const more = [limiter.tryAcquire('a'), limiter.tryAcquire('a')];
  expect([first, ...more].map((release) => release !== undefined)).toEqual([true, true, false]);
  expect(limiter.tryAcquire('b')).toBeDefined();
  expect(limiter.tryAcquire('b')).toBeUndefined(); // all are three now
  expect(limiter.tryAcquire('c')).toBeDefined();
  expect(limiter.tryAcquire('c')).toBeUndefined();
  first?.();
  expect(limiter.tryAcquire('a')).toBeUndefined(); // it has one still
});

test('what is given back can be had again', () => {
  const limiter = createConnectionLimiter({ ofOne: 1, ofAll: 1, ...often });
  for (let round = 0; round < 10; round++) {
    const release = limiter.tryAcquire('a');
    expect(release).toBeDefined();
    release?.();
  }
});

test('a sender begins so many a second, and saves up a bounded number', () => {
  let now = 0;
  const limiter = createConnectionLimiter({ ofOne: 1000, ofAll: 1000, perSecond: 2, burstSeconds: 2 }, () => now);
  const begun = () =>
    Array.from({ length: 10 }, () => limiter.tryAcquire('a')).filter((release) => release !== undefined).length;
  expect(begun()).toBe(4);
  expect(begun()).toBe(0);
  now += 1000;
  expect(begun()).toBe(2);
  now += 3_600_000;
  expect(begun()).toBe(4);
  expect(limiter.tryAcquire('b')).toBeDefined();
});
