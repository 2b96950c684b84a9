import { expect, test } from 'bun:test';
import { createConnectionDesk } from './connection-desk.ts';

test('a sender has a bounded number, and at least one however many others have', () => {
  const desk = createConnectionDesk({ ofOne: 2, ofAll: 3 });
  const first = desk.tryEnter('a');
  expect([first, desk.tryEnter('a'), desk.tryEnter('a')].map((leave) => leave !== undefined)).toEqual([
    true,
    true,
    false,
  ]);
  expect(desk.tryEnter('b')).toBeDefined();
  expect(desk.tryEnter('b')).toBeUndefined(); // all are three now
  expect(desk.tryEnter('c')).toBeDefined();
  expect(desk.tryEnter('c')).toBeUndefined();
  first?.();
  expect(desk.tryEnter('a')).toBeUndefined(); // it has one still
});

test('what is given back can be had again', () => {
  const desk = createConnectionDesk({ ofOne: 1, ofAll: 1 });
  for (let round = 0; round < 10; round++) {
    const leave = desk.tryEnter('a');
    expect(leave).toBeDefined();
    leave?.();
  }
});
