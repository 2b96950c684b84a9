import { expect, test } from 'bun:test';
import { describeError } from '../base/errors.ts';
import { createUndo } from './undo.ts';

test('inverses run newest first, each after the other, and once', async () => {
  const steps: string[] = [];
  const undo = createUndo();
  undo.push('first', () => void steps.push('first'));
  undo.push('second', async () => {
    await Bun.sleep(1);
    steps.push('second');
  });
  expect(await undo.run()).toEqual([]);
  expect(await undo.run()).toEqual([]);
  expect(steps).toEqual(['second', 'first']);
});

test('one that fails keeps no other from running, and is named', async () => {
  const steps: string[] = [];
  const undo = createUndo();
  undo.push('address', () => void steps.push('address'));
  undo.push('link', () => {
    throw new Error('EBUSY');
  });
  undo.push('policy', () => Promise.reject(new Error('gone')));
  const failures = await undo.run();
  expect(failures.map(describeError)).toEqual(['undo "policy": failed: gone', 'undo "link": failed: EBUSY']);
  expect(failures.map(({ code }) => code)).toEqual(['internal', 'internal']);
  expect(steps).toEqual(['address']);
});
